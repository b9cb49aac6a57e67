// @ts-check
/**
 * The decoder's device on onnxruntime-web's WASM backend.
 *
 * Everything a run reads and writes stays in the WebAssembly heap: the tokens, the candidates, and the keys and values, which
 * are past and present at once. Follows docs/contracts.md, "Graphs" (CPU).
 *
 * @module
 */

import { packCandidates } from "./candidates.js";
import { DeviceLoss } from "./device-loss.js";
import { BackendError, DeviceMemoryError } from "./errors.js";
import { HeapKeyValues } from "./heap-key-values.js";
import { keyValueNames } from "./key-value-capacity.js";
import { isOutOfMemory } from "./memory.js";
import { HeapRun } from "./wasm-heap.js";

/** @typedef {import("./bundle-store.js").Manifest} Manifest */
/** @typedef {import("./decoder.js").Device} Device */
/** @typedef {import("./wasm-heap.js").HeapTensor} HeapTensor */
/** @typedef {import("./wasm-heap.js").WasmHeap} WasmHeap */
/** @typedef {{logits: HeapTensor, ids: HeapTensor}} Candidates */

/** The input of a graph that can give the candidates of several tokens: of how many. */
const KEPT_ROWS = "num_logits_to_keep";

/** @implements {Device} */
export class WasmDevice {
  #heap;
  #releaseSession;
  #run;
  #keyValues;
  #tokens;
  #lengths;
  #candidateCount;
  #candidates;
  #logits;
  #packed;
  #keptRows;
  /** How many outputs a run has without `logits`, which comes last. */
  #outputCount;
  /** Whether somebody asked for all logits after the last run, and so probably will again. */
  #wantsLogits = false;
  #hasLogits = false;
  #lastTokenId = 0;
  #loss = new DeviceLoss();

  /**
   * @param {WasmHeap} heap
   * @param {{handle: number, release: () => Promise<void>}} session
   * @param {Manifest} manifest
   * @param {number} maxPositions
   */
  constructor(heap, session, { model, graphs }, maxPositions) {
    const count = Math.min(graphs.wasm.candidates, model.vocab_size);
    const names = keyValueNames(model.num_hidden_layers);
    const verifyTokens = graphs.wasm.verify_tokens ?? 0;
    const lengths = ["seqlens_k", "total_sequence_length", ...(verifyTokens ? [KEPT_ROWS] : [])];
    const inputs = ["input_ids", ...lengths, ...names.map(({ past }) => past)];
    const outputs = ["candidate_logits", "candidate_ids", ...names.map(({ present }) => present)];
    this.#heap = heap;
    this.#releaseSession = session.release;
    this.#outputCount = outputs.length;
    this.#run = new HeapRun(heap, session.handle, inputs, [...outputs, "logits"]);
    this.#keyValues = new HeapKeyValues(heap, model, maxPositions, (name, tensor) =>
      this.#run.bind(name, tensor),
    );
    this.#tokens = this.#bound("input_ids", "int64", [1, 1]);
    this.#lengths = {
      seqlensK: this.#bound("seqlens_k", "int32", [1]),
      total: this.#bound("total_sequence_length", "int32", [1]),
    };
    this.#keptRows = verifyTokens ? this.#bound(KEPT_ROWS, "int64", [1]) : null;
    this.#candidateCount = count;
    this.#candidates = this.#boundCandidates(1);
    this.#logits = this.#bound("logits", "float32", [1, model.vocab_size]);
    this.#packed = new Float64Array(2 * count * Math.max(1, verifyTokens));
  }

  get keyValueBytes() {
    return this.#keyValues.bytes;
  }

  get lost() {
    return this.#loss.told;
  }

  /**
   * @param {ArrayLike<number>} inputIds
   * @param {number} position
   * @param {number} [rows]  of how many of the last tokens the candidates are wanted
   */
  async run(inputIds, position, rows = 1) {
    this.#loss.check();
    const total = position + inputIds.length;
    this.#keyValues.reserve(total, position);
    this.#lengths.seqlensK.elements[0] = total - 1;
    this.#lengths.total.elements[0] = total;
    this.#hasLogits = false;
    const wantsLogits = this.#wantsLogits && rows === 1;
    const outputs = rows === 1 ? this.#candidates : this.#boundCandidates(rows);
    try {
      await this.#runOn(inputIds, rows, wantsLogits).catch((cause) => {
        const what = `tokens ${position} to ${total - 1}`;
        this.#loss.tellTrap(cause, what);
        throw runError(cause, what);
      });
      this.#hasLogits = wantsLogits;
      this.#wantsLogits = false;
      this.#lastTokenId = inputIds[inputIds.length - 1];
      return this.#readCandidates(outputs, rows);
    } finally {
      if (outputs !== this.#candidates) {
        this.#bindCandidates(this.#candidates);
        outputs.logits.release();
        outputs.ids.release();
      }
    }
  }

  /** Static memory needs no work: what lies behind the length is never read. */
  truncate() {
    this.#hasLogits = false;
  }

  /** @param {number} length */
  async logits(length) {
    if (!this.#hasLogits) {
      // The last token once more: it writes the same keys and values into the same row.
      this.#wantsLogits = true;
      await this.run([this.#lastTokenId], length - 1);
    }
    this.#wantsLogits = true;
    return /** @type {Float32Array} */ (this.#logits.elements).slice();
  }

  async close() {
    const { seqlensK, total } = this.#lengths;
    const { logits, ids } = this.#candidates;
    await this.#releaseSession();
    this.#run.release();
    this.#keyValues.release();
    for (const tensor of [this.#tokens, seqlensK, total, logits, ids, this.#logits]) tensor.release();
    this.#keptRows?.release();
  }

  /**
   * A run of many tokens gets a tensor of that shape for itself.
   * @param {ArrayLike<number>} inputIds
   * @param {number} rows
   * @param {boolean} wantsLogits
   */
  async #runOn(inputIds, rows, wantsLogits) {
    const count = inputIds.length;
    const tokens =
      count === 1 ? this.#tokens : this.#heap.allocateTensor("int64", [1, count], `${count} token ids`);
    const elements = /** @type {BigInt64Array} */ (tokens.elements);
    for (let i = 0; i < count; i++) elements[i] = BigInt(inputIds[i]);
    this.#run.bind("input_ids", tokens);
    if (this.#keptRows) this.#keptRows.elements[0] = BigInt(rows);
    try {
      await this.#run.run(wantsLogits ? this.#outputCount + 1 : this.#outputCount);
    } finally {
      if (tokens !== this.#tokens) tokens.release();
    }
  }

  /** @param {number} rows  each is of one token */
  #boundCandidates(rows) {
    const dims = [rows, this.#candidateCount];
    const outputs = {
      logits: this.#heap.allocateTensor("float32", dims, "candidate_logits"),
      ids: this.#heap.allocateTensor("int64", dims, "candidate_ids"),
    };
    this.#bindCandidates(outputs);
    return outputs;
  }

  /** @param {Candidates} outputs */
  #bindCandidates({ logits, ids }) {
    this.#run.bind("candidate_logits", logits);
    this.#run.bind("candidate_ids", ids);
  }

  /**
   * @param {Candidates} outputs
   * @param {number} rows
   */
  #readCandidates(outputs, rows) {
    const count = this.#candidateCount;
    const logits = /** @type {Float32Array} */ (outputs.logits.elements);
    const ids = /** @type {BigInt64Array} */ (outputs.ids.elements);
    const candidates = this.#packed.subarray(0, 2 * count * rows);
    for (let row = 0; row < rows; row++) {
      const [from, to] = [row * count, (row + 1) * count];
      packCandidates(
        logits.subarray(from, to),
        ids.subarray(from, to),
        candidates.subarray(2 * from, 2 * to),
      );
    }
    return { candidates, readBackBytes: logits.byteLength + ids.byteLength };
  }

  /**
   * @param {string} name
   * @param {import("./wasm-heap.js").ElementType} type
   * @param {number[]} dims
   */
  #bound(name, type, dims) {
    const tensor = this.#heap.allocateTensor(type, dims, name);
    this.#run.bind(name, tensor);
    return tensor;
  }
}

/**
 * @param {unknown} cause  what onnxruntime threw
 * @param {string} what  it was to run
 * @returns {BackendError}
 */
function runError(cause, what) {
  const why = cause instanceof Error ? cause.message : String(cause);
  if (isOutOfMemory(cause)) {
    return new DeviceMemoryError(`onnxruntime has no memory for ${what}: ${why}`, {
      expected: "room for what a run needs in between",
      remedy: "Start a new chat to stay shorter, close other tabs and reload, or take a smaller model.",
      cause,
    });
  }
  return new BackendError(`onnxruntime failed on ${what}: ${why}`, {
    expected: "a run that succeeds",
    remedy: "Reload the page; if it stays, start a new chat or export the bundle again.",
    cause,
  });
}
