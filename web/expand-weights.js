// @ts-check
/**
 * Makes the `wasm` graph's int8 weights out of the shared parts, once, at load, on as many threads as pay.
 *
 * What comes out takes the place of a file `expanded.bin` in memory, tensor by tensor: each is let go when onnxruntime has
 * copied it into its heap, so that the whole never exists twice. The arithmetic is weight-expansion.js. Knows nothing about
 * sessions.
 *
 * @module
 */

import { breathe } from "./breathe.js";
import { DeviceMemoryError, WorkerError } from "./errors.js";
import { expandTensor } from "./weight-expansion.js";

/** @typedef {import("./bundle-store.js").ExpandedTensor} ExpandedTensor */
/** @typedef {import("./weight-expansion.js").BlockTensor} BlockTensor */
/** @typedef {import("./weight-expansion.js").Int8Tensor} Int8Tensor */

/** A worker starts in the time in which one thread expands about this much. */
const BYTES_WORTH_A_WORKER = 8_000_000;
// Each holds a matrix of its own, and memory is what a small machine lacks first.
const MOST_WORKERS = 4;

/**
 * @param {number} bytes  to be made
 * @param {number} cores
 * @returns {number} workers; 0: this thread does it
 */
export function chooseWorkers(bytes, cores) {
  const workers = Math.min(Math.floor(bytes / BYTES_WORTH_A_WORKER), cores, MOST_WORKERS);
  return workers > 1 ? workers : 0;
}

/**
 * @param {Uint8Array<ArrayBuffer>} weights  weights.bin
 * @param {import("./bundle-store.js").Expanded} expanded
 * @param {{workers: number, onProgress?: (expandedBytes: number) => void}} options  onProgress: parts of `expanded.bytes`
 * @returns {Promise<ExpandedFile>} expanded.bin
 */
export async function expandWeights(weights, { bytes, tensors }, { workers, onProgress = () => {} }) {
  const file = new ExpandedFile(bytes);
  let done = 0; // weights, a byte each
  const progress = (/** @type {number} */ more) => {
    done += more;
    onProgress(done);
  };
  // The greatest first, so that no thread is left alone with it at the end.
  const queue = [...tensors].sort((a, b) => b.rows * b.columns - a.rows * a.columns);
  const lanes = Array.from({ length: Math.max(workers, 1) }, () => (workers ? workerLane() : ownLane()));
  try {
    await Promise.all(
      lanes.map(async (lane) => {
        for (let tensor = queue.shift(); tensor; tensor = queue.shift()) {
          file.add(tensor, await lane.expand(readTensor(weights, tensor), progress));
        }
      }),
    );
  } finally {
    for (const lane of lanes) lane.close();
  }
  onProgress(bytes);
  return file;
}

/** The bytes of `expanded.bin` by region; reading one gives it away. */
export class ExpandedFile {
  /** @type {Map<number, Uint8Array>} by offset */
  #regions = new Map();

  /** @param {number} bytes */
  constructor(bytes) {
    this.byteLength = bytes;
  }

  /**
   * @param {ExpandedTensor} tensor
   * @param {Int8Tensor} int8
   */
  add({ weight_offset, weight_scales_offset }, { weight, weightScales }) {
    this.#regions.set(weight_offset, new Uint8Array(weight.buffer));
    this.#regions.set(weight_scales_offset, new Uint8Array(weightScales.buffer));
  }

  /**
   * What onnxruntime calls to read a tensor, as it would on a Uint8Array.
   * @param {number} start
   * @param {number} end
   */
  subarray(start, end) {
    const region = this.#regions.get(start);
    if (region?.length !== end - start) {
      throw new RangeError(`expanded.bin holds no tensor from ${start} to ${end}, or it was read before`);
    }
    this.#regions.delete(start);
    return region;
  }
}

/**
 * @typedef {object} Lane  one thread's worth of expanding
 * @property {(source: BlockTensor, onProgress: (weights: number) => void) => Promise<Int8Tensor>} expand
 * @property {() => void} close
 */

/** @returns {Lane} */
function ownLane() {
  return {
    async expand(source, onProgress) {
      const int8 = guardMemory(() => expandTensor(source));
      onProgress(source.rows * source.columns);
      await breathe();
      return int8;
    },
    close() {},
  };
}

/** @returns {Lane} */
function workerLane() {
  const worker = new Worker(new URL("./expand-worker.js", import.meta.url), { type: "module" });
  return {
    expand: (source, onProgress) =>
      new Promise((resolve, reject) => {
        worker.onmessage = ({ data }) => ("progress" in data ? onProgress(data.progress) : resolve(data));
        worker.onerror = (event) => reject(brokenWorker(event.message));
        worker.onmessageerror = () => reject(brokenWorker("its answer did not arrive"));
        worker.postMessage(source, [source.codes.buffer, source.scales.buffer]);
      }),
    close: () => worker.terminate(),
  };
}

/** @param {string | undefined} message */
function brokenWorker(message) {
  return new WorkerError(
    `a thread that prepares the weights failed: ${message || "it could not be started"}`,
    {
      expected: "room for another worker, and its file expand-worker.js",
      remedy: "Close other tabs and reload; if it stays, build the site again.",
    },
  );
}

/**
 * @template Result
 * @param {() => Result} work
 */
function guardMemory(work) {
  try {
    return work();
  } catch (cause) {
    if (!(cause instanceof RangeError)) throw cause;
    throw new DeviceMemoryError(`this browser tab has no room for the weights expanded for WASM: ${cause}`, {
      expected: "a byte for every weight of the model",
      remedy: "Close other tabs and programs and reload, or take a smaller model.",
      cause,
    });
  }
}

/**
 * A copy of one matrix, to be handed over.
 *
 * @param {Uint8Array<ArrayBuffer>} weights
 * @param {ExpandedTensor} tensor
 * @returns {BlockTensor}
 */
function readTensor(weights, tensor) {
  const {
    rows,
    columns,
    bits,
    block_size,
    codes_offset,
    scales_offset,
    input_factors_offset: factors,
  } = tensor;
  const blocks = rows * (columns / block_size);
  const codes = weights.slice(codes_offset, codes_offset + (rows * columns * bits) / 8);
  const scales = new Uint16Array(weights.slice(scales_offset, scales_offset + blocks * 2).buffer);
  const inputFactors =
    factors === undefined ? null : new Float32Array(weights.slice(factors, factors + columns * 4).buffer);
  return { rows, columns, bits, blockSize: block_size, codes, scales, inputFactors };
}
