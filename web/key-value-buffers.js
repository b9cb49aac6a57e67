// @ts-check
/**
 * The static key/value cache on the GPU: one buffer per layer and part, passed as past and as present of every run.
 *
 *     [1, num_key_value_heads, capacity, head_dim]        rows from `length` on hold nothing
 *
 * Capacity doubles when it no longer suffices, up to the context's size. Knows nothing about tokens.
 *
 * @module
 */

import { DeviceMemoryError } from "./errors.js";
import { doubled, keyValueNames, nextCapacity } from "./key-value-capacity.js";

/** @typedef {import("onnxruntime-common").Tensor} Tensor */
/** @typedef {{past: string, present: string, tensor: Tensor, buffer: GPUBuffer}} Slot */

export class KeyValueBuffers {
  #ort;
  #device;
  #model;
  #dataType;
  #maxPositions;
  /** @type {Slot[]} */
  #slots = [];
  #capacity = 0;
  /** Feeds by name. @type {Record<string, Tensor>} */
  past = {};
  /** Fetches by name: the same tensors. @type {Record<string, Tensor>} */
  present = {};

  /**
   * @param {import("./onnxruntime.js").OnnxRuntime} ort
   * @param {GPUDevice} device
   * @param {import("./bundle-store.js").Manifest["model"]} model
   * @param {"float32" | "float16"} dataType
   * @param {number} maxPositions  what they may grow to
   */
  constructor(ort, device, model, dataType, maxPositions) {
    this.#ort = ort;
    this.#device = device;
    this.#model = model;
    this.#dataType = dataType;
    this.#maxPositions = maxPositions;
  }

  /** All buffers together. */
  get bytes() {
    return this.#slots.reduce((bytes, { buffer }) => bytes + buffer.size, 0);
  }

  /** Tokens that fit without growing. */
  get capacity() {
    return this.#capacity;
  }

  /**
   * Makes room for `total` tokens; the first `length` keep their keys and values.
   *
   * @param {number} total
   * @param {number} length
   */
  async reserve(total, length) {
    if (total <= this.#capacity) return;
    const capacity = nextCapacity(total, this.#capacity, this.#maxPositions, doubled);
    const slots = await this.#allocate(capacity);
    this.#copyRows(this.#slots, slots, length, capacity);
    for (const { buffer } of this.#slots) buffer.destroy(); // after the copies: the queue keeps its order
    this.#slots = slots;
    this.#capacity = capacity;
    this.past = Object.fromEntries(slots.map(({ past, tensor }) => [past, tensor]));
    this.present = Object.fromEntries(slots.map(({ present, tensor }) => [present, tensor]));
  }

  destroy() {
    for (const { buffer } of this.#slots) buffer.destroy();
    this.#slots = [];
    this.#capacity = 0;
  }

  /** Bytes of one token's row in one head. */
  get #rowBytes() {
    return this.#model.head_dim * (this.#dataType === "float16" ? 2 : 4);
  }

  /**
   * @param {number} capacity
   * @returns {Promise<Slot[]>}
   */
  async #allocate(capacity) {
    const { num_key_value_heads: heads, head_dim: headDim, num_hidden_layers: layers } = this.#model;
    const size = heads * capacity * this.#rowBytes;
    this.#checkSize(size, capacity);
    this.#device.pushErrorScope("out-of-memory");
    this.#device.pushErrorScope("validation");
    /** @type {Slot[]} */
    const slots = [];
    for (const names of keyValueNames(layers)) {
      const buffer = this.#device.createBuffer({
        label: names.present,
        size,
        usage: GPUBufferUsage.STORAGE | GPUBufferUsage.COPY_SRC | GPUBufferUsage.COPY_DST,
      });
      const dims = [1, heads, capacity, headDim];
      const tensor = this.#ort.Tensor.fromGpuBuffer(buffer, { dataType: this.#dataType, dims });
      slots.push({ ...names, tensor, buffer });
    }
    const scopes = [this.#device.popErrorScope(), this.#device.popErrorScope()];
    const error = (await Promise.all(scopes)).find((found) => found !== null);
    if (error === undefined) return slots;
    for (const { buffer } of slots) buffer.destroy();
    throw new DeviceMemoryError(`the GPU has no room for ${capacity} tokens: ${error?.message}`, {
      expected: `${slots.length * size} bytes of graphics memory for keys and values`,
      remedy: "Start a new chat, close other programs that use the GPU, or choose WASM in the Settings.",
    });
  }

  /**
   * @param {number} size  bytes of one buffer
   * @param {number} capacity
   */
  #checkSize(size, capacity) {
    const { maxStorageBufferBindingSize, maxBufferSize } = this.#device.limits;
    const greatest = Math.min(maxStorageBufferBindingSize, maxBufferSize);
    if (size <= greatest) return;
    throw new DeviceMemoryError(`keys of ${capacity} tokens take ${size} bytes in one buffer`, {
      expected: `at most ${greatest} bytes, what this GPU allows`,
      remedy: "Start a new chat to stay shorter, or choose WASM in the Settings for long ones.",
    });
  }

  /**
   * @param {Slot[]} from
   * @param {Slot[]} to
   * @param {number} length
   * @param {number} capacity  of `to`
   */
  #copyRows(from, to, length, capacity) {
    if (length === 0) return;
    const rowBytes = this.#rowBytes;
    const encoder = this.#device.createCommandEncoder();
    from.forEach(({ buffer }, slot) => {
      for (let head = 0; head < this.#model.num_key_value_heads; head++) {
        const source = head * this.#capacity * rowBytes;
        encoder.copyBufferToBuffer(
          buffer,
          source,
          to[slot].buffer,
          head * capacity * rowBytes,
          length * rowBytes,
        );
      }
    });
    this.#device.queue.submit([encoder.finish()]);
  }
}
