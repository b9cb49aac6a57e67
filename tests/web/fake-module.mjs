// @ts-check
/**
 * A stand-in for onnxruntime-web's emscripten module: a heap of its own, tensors by handle, and a run that a test supplies.
 */

const HEAP_BYTES = 1 << 20;

/**
 * @typedef {object} FakeTensor
 * @property {number} type
 * @property {number} pointer
 * @property {number[]} dims
 */

export class FakeModule {
  HEAPU8 = new Uint8Array(HEAP_BYTES);
  /** @type {Map<number, FakeTensor>} by handle */
  tensors = new Map();
  /** Pointers handed out and not freed. @type {Set<number>} */
  allocated = new Set();
  /** Bytes that may still be allocated. */
  room = HEAP_BYTES;
  options = 0;
  lastError = "nothing failed";
  /** @type {(inputs: Record<string, FakeTensor>, outputs: Record<string, FakeTensor>) => number} */
  onRun = () => 0;
  #end = 64;
  #handles = 0;

  _malloc = (/** @type {number} */ bytes) => {
    if (bytes > this.room) return 0;
    const pointer = this.#end;
    this.#end += Math.ceil(bytes / 16) * 16;
    this.room -= bytes;
    this.allocated.add(pointer);
    return pointer;
  };
  _free = (/** @type {number} */ pointer) => {
    if (!this.allocated.delete(pointer)) throw new Error(`free of ${pointer}, which is not allocated`);
  };
  getValue = (/** @type {number} */ pointer, /** @type {string} */ type) =>
    type === "*" ? this.words(pointer, 1)[0] : this.HEAPU8[pointer];
  UTF8ToString = (/** @type {number} */ pointer) =>
    new TextDecoder().decode(this.HEAPU8.subarray(pointer, this.HEAPU8.indexOf(0, pointer)));
  stringToUTF8 = (/** @type {string} */ text, /** @type {number} */ pointer) => {
    this.HEAPU8.set([...new TextEncoder().encode(text), 0], pointer);
  };
  lengthBytesUTF8 = (/** @type {string} */ text) => new TextEncoder().encode(text).length;
  /** Files that the next session reads. @type {Map<string, import("../../web/wasm-heap.js").MountedFile>} */
  mounted = new Map();
  mountExternalData = (
    /** @type {string} */ path,
    /** @type {import("../../web/wasm-heap.js").MountedFile} */ file,
  ) => {
    this.mounted.set(path, file);
  };
  _OrtCreateSession = () => 7;
  _OrtCreateTensor = (
    /** @type {number} */ type,
    /** @type {number} */ pointer,
    /** @type {number} */ _bytes,
    /** @type {number} */ dims,
    /** @type {number} */ rank,
  ) => {
    if (type === 0) return 0;
    this.tensors.set(++this.#handles, { type, pointer, dims: [...this.words(dims, rank)] });
    return this.#handles;
  };
  _OrtReleaseTensor = (/** @type {number} */ handle) => (this.tensors.delete(handle) ? 0 : 1);
  _OrtCreateRunOptions = () => {
    this.options++;
    return 9;
  };
  _OrtReleaseRunOptions = () => {
    this.options--;
    return 0;
  };
  _OrtGetLastError = (/** @type {number} */ _code, /** @type {number} */ message) => {
    const pointer = 16;
    this.stringToUTF8(this.lastError, pointer);
    this.words(message, 1)[0] = pointer;
    return 0;
  };
  _OrtRun = (
    /** @type {number} */ _session,
    /** @type {number} */ inputNames,
    /** @type {number} */ inputs,
    /** @type {number} */ inputCount,
    /** @type {number} */ outputNames,
    /** @type {number} */ outputCount,
    /** @type {number} */ outputs,
  ) =>
    this.onRun(this.#named(inputNames, inputs, inputCount), this.#named(outputNames, outputs, outputCount));

  /**
   * @param {number} pointer
   * @param {number} count
   */
  words(pointer, count) {
    return new Uint32Array(this.HEAPU8.buffer, pointer, count);
  }

  /** @param {FakeTensor} tensor */
  elements({ type, pointer, dims }) {
    const View = { 1: Float32Array, 6: Int32Array, 7: BigInt64Array }[type];
    if (View === undefined) throw new Error(`no view for type ${type}`);
    return new View(
      this.HEAPU8.buffer,
      pointer,
      dims.reduce((product, size) => product * size, 1),
    );
  }

  /**
   * @param {number} names
   * @param {number} handles
   * @param {number} count
   */
  #named(names, handles, count) {
    const values = [...this.words(handles, count)].map((handle) => this.tensors.get(handle));
    const entries = [...this.words(names, count)].map((name, index) => {
      const tensor = values[index];
      if (tensor === undefined) throw new Error(`${this.UTF8ToString(name)} is bound to no tensor`);
      return /** @type {[string, FakeTensor]} */ ([this.UTF8ToString(name), tensor]);
    });
    return Object.fromEntries(entries);
  }
}

/** The factory that the module comes from. */
export default async function makeFakeModule() {
  return new FakeModule();
}
