// @ts-check
/**
 * The inputs of one run that are the same on every backend: which tokens, and where they stand.
 *
 * The tensors of a single token are made once and refilled, because decoding runs them thousands of times.
 *
 * @module
 */

/** @typedef {import("onnxruntime-common").Tensor} Tensor */
/** @typedef {import("./onnxruntime.js").OnnxRuntime} OnnxRuntime */

export class StepFeeds {
  #ort;
  #tokenId = new BigInt64Array(1);
  #seqlensK = new Int32Array(1);
  #totalSequenceLength = new Int32Array(1);
  #oneToken;
  /** What to give to `session.run`; a backend puts its keys and values in here too. @type {Record<string, Tensor>} */
  tensors;

  /** @param {OnnxRuntime} ort */
  constructor(ort) {
    this.#ort = ort;
    this.#oneToken = new ort.Tensor("int64", this.#tokenId, [1, 1]);
    this.tensors = {
      input_ids: this.#oneToken,
      seqlens_k: new ort.Tensor("int32", this.#seqlensK, [1]),
      total_sequence_length: new ort.Tensor("int32", this.#totalSequenceLength, [1]),
    };
  }

  /**
   * @param {ArrayLike<number>} inputIds  at least one
   * @param {number} position  of the first one: how many tokens the cache holds
   */
  set(inputIds, position) {
    const total = position + inputIds.length;
    this.#seqlensK[0] = total - 1;
    this.#totalSequenceLength[0] = total;
    if (inputIds.length === 1) {
      this.#tokenId[0] = BigInt(inputIds[0]);
      this.tensors.input_ids = this.#oneToken;
    } else {
      const ids = BigInt64Array.from(inputIds, BigInt);
      this.tensors.input_ids = new this.#ort.Tensor("int64", ids, [1, ids.length]);
    }
  }
}
