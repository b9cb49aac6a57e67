// @ts-check
/**
 * The decoder's device on onnxruntime-web's WASM backend.
 *
 * Keys and values are ordinary tensors: what one run presents, the next one gets as its past. A cut moves the kept rows
 * together inside the same memory. Follows docs/contracts.md, "Graphs" (CPU).
 *
 * @module
 */

import { packCandidates } from "./candidates.js";
import { BackendError } from "./errors.js";
import { expandWeights } from "./expand-weights.js";
import { createSession } from "./session.js";
import { StepFeeds } from "./step-feeds.js";

/** @typedef {import("./onnxruntime.js").OnnxRuntime} OnnxRuntime */
/** @typedef {import("./decoder.js").Device} Device */
/** @typedef {import("onnxruntime-common").InferenceSession} InferenceSession */
/** @typedef {import("onnxruntime-common").TypedTensor<"float32">} Float32Tensor */

/**
 * @param {OnnxRuntime} ort
 * @param {import("./bundle-store.js").Manifest} manifest
 * @param {import("./bundle-store.js").GraphEntry} entry
 * @param {{graph: Uint8Array, weights: Uint8Array<ArrayBuffer>}} files
 * @param {(expandedBytes: number) => void} onProgress
 * @returns {Promise<WasmDevice>}
 */
export async function openWasmDevice(ort, manifest, entry, { graph, weights }, onProgress) {
  const externalData = [{ path: entry.external_data, data: weights }];
  if (entry.expanded) {
    const data = await expandWeights(weights, entry.expanded, onProgress);
    externalData.push({ path: entry.expanded.external_data, data });
  }
  const options = { executionProviders: ["wasm"], externalData };
  const session = await createSession(ort, graph, options, { file: entry.file, elsewhere: "WebGPU" });
  return new WasmDevice(ort, session, manifest);
}

/** @implements {Device} */
export class WasmDevice {
  #ort;
  #session;
  #feeds;
  #layout;
  #packed;
  /** @type {Array<{past: string, present: string}>} */
  #names = [];
  #outputs;
  /** Whether somebody asked for all logits after the last run, and so probably will again. */
  #wantsLogits = false;
  /** @type {Float32Array | null} */
  #logits = null;
  #lastTokenId = 0;

  /**
   * @param {OnnxRuntime} ort
   * @param {InferenceSession} session
   * @param {import("./bundle-store.js").Manifest} manifest
   */
  constructor(ort, session, { model, graphs }) {
    this.#ort = ort;
    this.#session = session;
    this.#feeds = new StepFeeds(ort);
    this.#layout = { heads: model.num_key_value_heads, headDim: model.head_dim };
    this.#packed = new Float64Array(2 * Math.min(graphs.wasm.candidates, model.vocab_size));
    for (let layer = 0; layer < model.num_hidden_layers; layer++) {
      for (const part of ["key", "value"]) {
        this.#names.push({ past: `past_key_values.${layer}.${part}`, present: `present.${layer}.${part}` });
      }
    }
    this.#outputs = ["candidate_logits", "candidate_ids", ...this.#names.map(({ present }) => present)];
    this.truncate(0);
  }

  /**
   * @param {ArrayLike<number>} inputIds
   * @param {number} position
   */
  async run(inputIds, position) {
    this.#feeds.set(inputIds, position);
    const outputs = this.#wantsLogits ? [...this.#outputs, "logits"] : this.#outputs;
    const results = await this.#session.run(this.#feeds.tensors, outputs).catch((cause) => {
      throw new BackendError(
        `onnxruntime failed on tokens ${position} and after: ${cause.message ?? cause}`,
        {
          expected: "a run that succeeds",
          remedy: "Reload the page; if it stays, start a new chat or export the bundle again.",
          cause,
        },
      );
    });
    for (const { past, present } of this.#names) this.#feeds.tensors[past] = results[present];
    this.#logits = this.#wantsLogits ? /** @type {Float32Array} */ (results.logits.data) : null;
    this.#wantsLogits = false;
    this.#lastTokenId = inputIds[inputIds.length - 1];
    const logits = /** @type {Float32Array} */ (results.candidate_logits.data);
    const ids = /** @type {BigInt64Array} */ (results.candidate_ids.data);
    const candidates = packCandidates(logits, ids, this.#packed);
    return { candidates, readBackBytes: logits.byteLength + ids.byteLength };
  }

  /** @param {number} length */
  truncate(length) {
    this.#keep(length, (tensor) => cut(tensor, length));
    this.#logits = null;
  }

  /** @param {number} length */
  async logits(length) {
    if (this.#logits === null) await this.#runAgain(length);
    this.#wantsLogits = true;
    return /** @type {Float32Array} */ (/** @type {unknown} */ (this.#logits));
  }

  /**
   * The last of `length` tokens once more, this time with all logits. A failure leaves the cache as it was.
   * @param {number} length
   */
  async #runAgain(length) {
    const before = this.#names.map(({ past }) => [past, this.#feeds.tensors[past]]);
    this.#wantsLogits = true;
    // Copies, because a cut in place would destroy what has to come back.
    this.#keep(length - 1, ({ data, dims }) =>
      cut(new this.#ort.Tensor("float32", data.slice(), dims), length - 1),
    );
    try {
      await this.run([this.#lastTokenId], length - 1);
    } catch (error) {
      Object.assign(this.#feeds.tensors, Object.fromEntries(before));
      throw error;
    }
  }

  /**
   * @param {number} length
   * @param {(tensor: Float32Tensor) => Float32Array} take  the kept rows of one tensor
   */
  #keep(length, take) {
    const { heads, headDim } = this.#layout;
    for (const { past } of this.#names) {
      const tensor = /** @type {Float32Tensor | undefined} */ (this.#feeds.tensors[past]);
      const kept = tensor === undefined || length === 0 ? new Float32Array(0) : take(tensor);
      this.#feeds.tensors[past] = new this.#ort.Tensor("float32", kept, [1, heads, length, headDim]);
    }
  }

  async close() {
    await this.#session.release();
    this.#feeds = new StepFeeds(this.#ort);
  }
}

/**
 * The first `length` rows of every head, moved to the front of the tensor's own memory.
 *
 *     [1, heads, rows, head_dim] → [1, heads, length, head_dim]
 *
 * @param {Float32Tensor} tensor  not to be used afterwards
 * @param {number} length
 * @returns {Float32Array}
 */
export function cut({ data, dims: [, heads, rows, headDim] }, length) {
  for (let head = 1; head < heads; head++) {
    const start = head * rows * headDim;
    data.copyWithin(head * length * headDim, start, start + length * headDim);
  }
  return data.subarray(0, heads * length * headDim);
}
