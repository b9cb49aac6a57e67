// @ts-check
/**
 * Tensors that live in onnxruntime's own WebAssembly heap, and runs over them that copy nothing.
 *
 * The public API allocates, copies and frees every CPU tensor at every run: at 512 tokens of context that costs several
 * times the arithmetic. Here a tensor is allocated once, written and read in place, and passed by its handle. Uses
 * functions that onnxruntime-web exports from its module but does not document, so the version is pinned and whatever is
 * missing is named. Knows nothing about models.
 *
 * @module
 */

import { BackendError, DeviceMemoryError } from "./errors.js";

/** The one release whose module is known to have these functions with these signatures. */
export const KNOWN_VERSION = "1.30.0";

/** onnxruntime's numbers of element types. */
const ELEMENT_TYPES = /** @type {const} */ ({
  float32: { code: 1, bytes: 4, view: Float32Array },
  int32: { code: 6, bytes: 4, view: Int32Array },
  int64: { code: 7, bytes: 8, view: BigInt64Array },
});
const ON_CPU = 1;
const POINTER_BYTES = 4;

/** @typedef {keyof typeof ELEMENT_TYPES} ElementType */
/** What is read of a file of external data, as of a Uint8Array. @typedef {{byteLength: number, subarray: (start: number, end: number) => Uint8Array}} MountedFile */
/**
 * The functions of onnxruntime-web's emscripten module that are used; pointers are numbers, 0 is none.
 * @typedef {object} EmscriptenModule
 * @property {Uint8Array} HEAPU8
 * @property {(bytes: number) => number} _malloc
 * @property {(pointer: number) => void} _free
 * @property {(pointer: number, type: string) => number} getValue
 * @property {(pointer: number) => string} UTF8ToString
 * @property {(text: string, pointer: number, bytes: number) => void} stringToUTF8
 * @property {(text: string) => number} lengthBytesUTF8
 * @property {(path: string, file: MountedFile) => void} mountExternalData
 * @property {(...pointers: number[]) => number | Promise<number>} _OrtCreateSession
 * @property {(type: number, pointer: number, bytes: number, dims: number, rank: number, location: number) => number} _OrtCreateTensor
 * @property {(tensor: number) => number} _OrtReleaseTensor
 * @property {(session: number, inputNames: number, inputs: number, inputCount: number, outputNames: number, outputCount: number, outputs: number, options: number) => number | Promise<number>} _OrtRun
 * @property {(options: number, verbosity: number, terminate: number, tag: number) => number} _OrtCreateRunOptions
 * @property {(options: number) => number} _OrtReleaseRunOptions
 * @property {(code: number, message: number) => number} _OrtGetLastError
 */

const REQUIRED = /** @type {const} */ ([
  "_malloc",
  "_free",
  "getValue",
  "UTF8ToString",
  "stringToUTF8",
  "lengthBytesUTF8",
  "mountExternalData",
  "_OrtCreateTensor",
  "_OrtReleaseTensor",
  "_OrtRun",
  "_OrtCreateRunOptions",
  "_OrtReleaseRunOptions",
  "_OrtGetLastError",
]);

/**
 * @param {string | undefined} version  of onnxruntime-web
 * @throws {BackendError} for a release whose module is not known
 */
export function checkVersion(version) {
  if (version !== KNOWN_VERSION) throw unknownModule(`this site has onnxruntime-web ${version}`);
}

/**
 * @param {EmscriptenModule} module
 * @throws {BackendError} naming what is missing
 */
export function checkModule(module) {
  const missing = REQUIRED.filter((name) => typeof module[name] !== "function");
  if (missing.length > 0) throw unknownModule(`this site's onnxruntime-web lacks ${missing.join(", ")}`);
}

/** @param {string} problem */
function unknownModule(problem) {
  return new BackendError(problem, {
    expected: `the module of version ${KNOWN_VERSION}, whose memory pagelm knows how to share`,
    remedy: "Build the site again with the package versions of pagelm's lock file.",
  });
}

export class WasmHeap {
  /** @param {EmscriptenModule} module */
  constructor(module) {
    this.module = module;
  }

  /**
   * @param {number} bytes
   * @param {string} what  for the message, e.g. "the keys of 512 tokens"
   * @returns {number} pointer, to be freed
   */
  allocate(bytes, what) {
    const pointer = this.module._malloc(bytes);
    if (pointer !== 0) return pointer;
    throw new DeviceMemoryError(`WebAssembly's memory has no room for ${what}`, {
      expected: `${bytes} bytes in one piece; it ends at 4 GiB, or where the browser says so`,
      remedy: "Start a new chat to stay shorter, close other tabs and reload, or take a smaller model.",
    });
  }

  /** @param {number} pointer */
  free(pointer) {
    this.module._free(pointer);
  }

  /**
   * The memory of now: it moves into another buffer when it grows, in whichever thread that happens.
   * @returns {ArrayBufferLike}
   */
  get buffer() {
    this.module.getValue(0, "i8"); // looks whether the memory has grown
    return this.module.HEAPU8.buffer;
  }

  /** @param {string} text @returns {number} pointer to it in UTF-8, to be freed */
  allocateString(text) {
    const bytes = this.module.lengthBytesUTF8(text) + 1;
    const pointer = this.allocate(bytes, `the name ${text}`);
    this.module.stringToUTF8(text, pointer, bytes);
    return pointer;
  }

  /**
   * @param {ElementType} type
   * @param {number[]} dims
   * @param {string} what
   * @returns {HeapTensor} its elements are whatever was in the memory
   */
  allocateTensor(type, dims, what) {
    return new HeapTensor(this, type, dims, what);
  }

  /**
   * onnxruntime's words for what failed last.
   * @returns {string}
   */
  lastError() {
    const pointers = this.allocate(2 * POINTER_BYTES, "an error's pointers");
    this.module._OrtGetLastError(pointers, pointers + POINTER_BYTES);
    const message = this.module.getValue(pointers + POINTER_BYTES, "*");
    this.free(pointers);
    return message === 0 ? "no message" : this.module.UTF8ToString(message >>> 0);
  }
}

export class HeapTensor {
  #heap;
  #type;
  #length;
  #pointer;
  #handle;

  /**
   * @param {WasmHeap} heap
   * @param {ElementType} type
   * @param {number[]} dims
   * @param {string} what
   */
  constructor(heap, type, dims, what) {
    const { code, bytes } = ELEMENT_TYPES[type];
    this.#heap = heap;
    this.#type = type;
    this.#length = dims.reduce((product, size) => product * size, 1);
    this.#pointer = heap.allocate(Math.max(this.#length * bytes, 1), what);
    const shape = heap.allocate(dims.length * POINTER_BYTES, "a shape");
    new Int32Array(heap.buffer, shape, dims.length).set(dims);
    const { module } = heap;
    this.#handle = module._OrtCreateTensor(
      code,
      this.#pointer,
      this.#length * bytes,
      shape,
      dims.length,
      ON_CPU,
    );
    heap.free(shape);
    if (this.#handle === 0) {
      heap.free(this.#pointer);
      throw new BackendError(`onnxruntime makes no tensor for ${what}: ${heap.lastError()}`, {
        expected: `${type} ${JSON.stringify(dims)}`,
        remedy: "Reload the page; if it stays, choose WebGPU in the Settings.",
      });
    }
  }

  /** What onnxruntime knows it by. */
  get handle() {
    return this.#handle;
  }

  /** The elements in place; valid until the memory grows, so not to be kept. */
  get elements() {
    const { view: View } = ELEMENT_TYPES[this.#type];
    return /** @type {Float32Array | Int32Array | BigInt64Array} */ (
      new View(/** @type {ArrayBuffer} */ (this.#heap.buffer), this.#pointer, this.#length)
    );
  }

  release() {
    this.#heap.module._OrtReleaseTensor(this.#handle);
    this.#heap.free(this.#pointer);
  }
}

/** Which tensors a session reads and writes, prepared once and run many times. */
export class HeapRun {
  #heap;
  #session;
  #options;
  /** @type {string[]} */
  #inputs = [];
  /** @type {string[]} */
  #outputs = [];
  #names;
  #values;

  /**
   * @param {WasmHeap} heap
   * @param {number} session  handle
   * @param {string[]} inputs  names
   * @param {string[]} outputs  names; a run may leave out the last ones
   */
  constructor(heap, session, inputs, outputs) {
    this.#heap = heap;
    this.#session = session;
    this.#inputs = inputs;
    this.#outputs = outputs;
    const names = [...inputs, ...outputs];
    this.#names = heap.allocate(names.length * POINTER_BYTES, "the names of inputs and outputs");
    this.#values = heap.allocate(names.length * POINTER_BYTES, "the inputs and outputs");
    const pointers = names.map((name) => heap.allocateString(name));
    new Uint32Array(heap.buffer, this.#names, names.length).set(pointers);
    new Uint32Array(heap.buffer, this.#values, names.length).fill(0);
    this.#options = heap.module._OrtCreateRunOptions(2, 0, 0, 0); // warnings and worse
  }

  /**
   * @param {string} name  of an input or output
   * @param {HeapTensor} tensor  stays the caller's
   */
  bind(name, tensor) {
    const input = this.#inputs.indexOf(name);
    const index = input >= 0 ? input : this.#inputs.length + this.#outputs.indexOf(name);
    new Uint32Array(this.#heap.buffer, this.#values, this.#count)[index] = tensor.handle;
  }

  /**
   * @param {number} [outputCount]  how many of the outputs to compute, in their order
   * @throws {Error} in onnxruntime's words
   */
  async run(outputCount = this.#outputs.length) {
    const skipped = this.#inputs.length * POINTER_BYTES;
    const code = await this.#heap.module._OrtRun(
      this.#session,
      this.#names,
      this.#values,
      this.#inputs.length,
      this.#names + skipped,
      outputCount,
      this.#values + skipped,
      this.#options,
    );
    if (code !== 0) throw new Error(this.#heap.lastError());
  }

  release() {
    for (const pointer of new Uint32Array(this.#heap.buffer, this.#names, this.#count))
      this.#heap.free(pointer);
    this.#heap.free(this.#names);
    this.#heap.free(this.#values);
    this.#heap.module._OrtReleaseRunOptions(this.#options);
  }

  get #count() {
    return this.#inputs.length + this.#outputs.length;
  }
}
