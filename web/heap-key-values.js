// @ts-check
/**
 * The static key/value cache in the WebAssembly heap: one tensor per layer and part, past and present of every run at once.
 *
 *     [1, num_key_value_heads, capacity, head_dim] float32        rows from the length on hold nothing
 *
 * onnxruntime's CPU attention appends in place where past and present are the same memory. Capacity grows when it no
 * longer suffices, up to the context's size: by doubling at first, then by a quarter, because this memory is the page's and
 * the heap never shrinks. Knows nothing about tokens.
 *
 * @module
 */

import { gentlyGrown, keyValueNames, nextCapacity } from "./key-value-capacity.js";

/** @typedef {import("./wasm-heap.js").HeapTensor} HeapTensor */
/** @typedef {{past: string, present: string, capacity: number, tensor: HeapTensor | null}} Slot */

export class HeapKeyValues {
  #heap;
  #model;
  #maxPositions;
  #bind;
  /** @type {Slot[]} */
  #slots;

  /**
   * @param {import("./wasm-heap.js").WasmHeap} heap
   * @param {import("./bundle-store.js").Manifest["model"]} model
   * @param {number} maxPositions  what they may grow to
   * @param {(name: string, tensor: HeapTensor) => void} bind  called for each input and output that gets a tensor
   */
  constructor(heap, model, maxPositions, bind) {
    this.#heap = heap;
    this.#model = model;
    this.#maxPositions = maxPositions;
    this.#bind = bind;
    this.#slots = keyValueNames(model.num_hidden_layers).map((names) => ({
      ...names,
      capacity: 0,
      tensor: null,
    }));
  }

  /** All tensors together. */
  get bytes() {
    return this.#slots.reduce((bytes, { tensor }) => bytes + (tensor?.elements.byteLength ?? 0), 0);
  }

  /**
   * Makes room for `total` tokens; the first `length` keep their keys and values. Tensors grow one after the other, so that
   * old and new memory exist together for one of them only; where one finds no room, all rows are still there.
   *
   * @param {number} total
   * @param {number} length
   */
  reserve(total, length) {
    for (const slot of this.#slots) {
      if (total > slot.capacity) this.#grow(slot, total, length);
    }
  }

  release() {
    for (const { tensor } of this.#slots) tensor?.release();
    this.#slots = [];
  }

  /**
   * @param {Slot} slot
   * @param {number} total
   * @param {number} length
   */
  #grow(slot, total, length) {
    const { num_key_value_heads: heads, head_dim: headDim } = this.#model;
    const capacity = nextCapacity(total, slot.capacity, this.#maxPositions, gentlyGrown);
    const what = `${slot.present} of ${capacity} tokens`;
    const tensor = this.#heap.allocateTensor("float32", [1, heads, capacity, headDim], what);
    if (slot.tensor) {
      copyRows(slot.tensor.elements, tensor.elements, heads, length * headDim);
      slot.tensor.release();
    }
    slot.tensor = tensor;
    slot.capacity = capacity;
    this.#bind(slot.past, tensor);
    this.#bind(slot.present, tensor);
  }
}

/**
 * The first `kept` elements of every head.
 *
 * @param {HeapTensor["elements"]} from
 * @param {HeapTensor["elements"]} to
 * @param {number} heads
 * @param {number} kept
 */
function copyRows(from, to, heads, kept) {
  const [source, target] = [from, to].map(({ length }) => length / heads);
  for (let head = 0; head < heads; head++) {
    const rows = from.subarray(head * source, head * source + kept);
    /** @type {Float32Array} */ (to).set(/** @type {Float32Array} */ (rows), head * target);
  }
}
