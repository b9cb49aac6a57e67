// @ts-check
/**
 * The decoder's device on onnxruntime-web's WebGPU backend.
 *
 * Everything a step writes stays on the GPU, in buffers made once; only the K candidates come back, in one copy and one
 * mapping. Follows docs/contracts.md, "Graphs" (WebGPU).
 *
 * @module
 */

import { packCandidates } from "./candidates.js";
import { watchCommands, watchGpu } from "./device-loss.js";
import { BackendError } from "./errors.js";
import { openGpuDevice } from "./gpu-device.js";
import { KeyValueBuffers } from "./key-value-buffers.js";
import { createSession } from "./session.js";
import { StepFeeds } from "./step-feeds.js";

/** @typedef {import("./onnxruntime.js").OnnxRuntime} OnnxRuntime */
/** @typedef {import("./decoder.js").Device} Device */
/** @typedef {import("onnxruntime-common").InferenceSession} InferenceSession */
/** @typedef {import("onnxruntime-common").Tensor} Tensor */

/**
 * @param {OnnxRuntime} ort
 * @param {import("./bundle-store.js").Manifest} manifest
 * @param {import("./bundle-store.js").GraphEntry} entry
 * @param {{graph: Uint8Array, weights: Uint8Array}} files
 * @param {number} maxPositions  of the context
 * @returns {Promise<WebGpuDevice>}
 */
export async function openWebGpuDevice(ort, manifest, entry, { graph, weights }, maxPositions) {
  const device = await openGpuDevice(navigator.gpu, entry.required_features);
  /** Of the upload of the weights: onnxruntime does not look whether it worked. @type {GPUError | null} */
  let failure = null;
  device.addEventListener("uncapturederror", ({ error }) => {
    failure ??= error;
  });
  const options = {
    // As an object: options of a provider given by its name alone are ignored.
    executionProviders: [{ name: "webgpu", device }],
    externalData: [{ path: entry.external_data, data: weights }],
  };
  const names = { file: entry.file, elsewhere: "WASM" };
  try {
    const session = await watchGpu(device).unless(createSession(ort, graph, options, names));
    const opened = new WebGpuDevice(ort, session, device, manifest, entry, maxPositions);
    if (failure === null) return opened;
    await opened.close();
    throw gpuError(failure);
  } catch (error) {
    device.destroy(); // and what onnxruntime had put there before it failed
    throw error;
  }
}

/** @implements {Device} */
export class WebGpuDevice {
  #session;
  #device;
  #feeds;
  #keyValues;
  #vocabSize;
  /** @type {Record<string, Tensor>} */
  #outputs;
  #packed;
  /** @type {GPUBuffer} where the candidates are copied to be read: K logits, then K ids */
  #staging;
  #idsOffset;
  #loss;

  /**
   * @param {OnnxRuntime} ort
   * @param {InferenceSession} session
   * @param {GPUDevice} device  the one onnxruntime computes on
   * @param {import("./bundle-store.js").Manifest} manifest
   * @param {import("./bundle-store.js").GraphEntry} entry
   * @param {number} maxPositions
   */
  constructor(ort, session, device, { model }, entry, maxPositions) {
    this.#session = session;
    this.#device = device;
    this.#vocabSize = model.vocab_size;
    this.#feeds = new StepFeeds(ort);
    this.#keyValues = new KeyValueBuffers(ort, device, model, entry.key_value_dtype, maxPositions);
    const candidates = Math.min(entry.candidates, model.vocab_size);
    this.#packed = new Float64Array(2 * candidates);
    this.#outputs = {
      candidate_logits: makeOutput(ort, device, "float32", candidates),
      candidate_ids: makeOutput(ort, device, "int64", candidates),
      logits: makeOutput(ort, device, "float32", model.vocab_size),
    };
    this.#idsOffset = align(candidates * 4, 8);
    this.#staging = device.createBuffer({
      label: "candidates",
      size: this.#idsOffset + candidates * 8,
      usage: GPUBufferUsage.COPY_DST | GPUBufferUsage.MAP_READ,
    });
    this.#loss = watchGpu(device);
    watchCommands(device, this.#loss);
  }

  get lost() {
    return this.#loss.told;
  }

  get keyValueBytes() {
    return this.#keyValues.bytes;
  }

  /**
   * @param {ArrayLike<number>} inputIds
   * @param {number} position
   */
  async run(inputIds, position) {
    this.#loss.check();
    const total = position + inputIds.length;
    await this.#loss.unless(this.#keyValues.reserve(total, position));
    this.#feeds.set(inputIds, position);
    Object.assign(this.#feeds.tensors, this.#keyValues.past);
    const run = this.#session.run(this.#feeds.tensors, { ...this.#outputs, ...this.#keyValues.present });
    await this.#loss.unless(run, `tokens ${position} to ${total - 1}`);
    return { candidates: await this.#loss.unless(this.#readCandidates()), readBackBytes: this.#staging.size };
  }

  /** Static buffers need no work: what lies behind the length is never read. */
  truncate() {}

  async logits() {
    const size = this.#vocabSize * 4;
    const staging = this.#device.createBuffer({
      label: "logits",
      size,
      usage: GPUBufferUsage.COPY_DST | GPUBufferUsage.MAP_READ,
    });
    try {
      const encoder = this.#device.createCommandEncoder();
      encoder.copyBufferToBuffer(gpuBuffer(this.#outputs.logits), 0, staging, 0, size);
      this.#device.queue.submit([encoder.finish()]);
      await this.#loss.unless(staging.mapAsync(GPUMapMode.READ));
      return new Float32Array(staging.getMappedRange().slice(0));
    } finally {
      staging.destroy();
    }
  }

  async close() {
    this.#loss.end();
    await this.#session.release();
    this.#keyValues.destroy();
    for (const tensor of Object.values(this.#outputs)) gpuBuffer(tensor).destroy();
    this.#staging.destroy();
    this.#device.destroy();
  }

  async #readCandidates() {
    const count = this.#packed.length / 2;
    const encoder = this.#device.createCommandEncoder();
    encoder.copyBufferToBuffer(gpuBuffer(this.#outputs.candidate_logits), 0, this.#staging, 0, count * 4);
    encoder.copyBufferToBuffer(
      gpuBuffer(this.#outputs.candidate_ids),
      0,
      this.#staging,
      this.#idsOffset,
      count * 8,
    );
    this.#device.queue.submit([encoder.finish()]);
    await this.#staging.mapAsync(GPUMapMode.READ);
    try {
      const bytes = this.#staging.getMappedRange();
      const logits = new Float32Array(bytes, 0, count);
      return packCandidates(logits, new BigInt64Array(bytes, this.#idsOffset, count), this.#packed);
    } finally {
      this.#staging.unmap();
    }
  }
}

/**
 * @param {GPUError} error  that no error scope took
 * @returns {BackendError}
 */
function gpuError(error) {
  const problem = `the GPU reported an error: ${error.message}`;
  const remedy = "Reload the page; if it happens again, choose WASM in the Settings.";
  return new BackendError(problem, { expected: "every command to be accepted", remedy });
}

/**
 * @param {OnnxRuntime} ort
 * @param {GPUDevice} device
 * @param {"float32" | "int64"} dataType
 * @param {number} count
 * @returns {Tensor} `[1, count]` in a buffer of its own
 */
function makeOutput(ort, device, dataType, count) {
  const buffer = device.createBuffer({
    size: align(count * (dataType === "int64" ? 8 : 4), 16), // onnxruntime counts in 16 bytes
    usage: GPUBufferUsage.STORAGE | GPUBufferUsage.COPY_SRC | GPUBufferUsage.COPY_DST,
  });
  return ort.Tensor.fromGpuBuffer(buffer, { dataType, dims: [1, count] });
}

/** @param {Tensor} tensor */
function gpuBuffer(tensor) {
  return /** @type {GPUBuffer} */ (tensor.gpuBuffer);
}

/**
 * @param {number} size
 * @param {number} unit
 */
function align(size, unit) {
  return Math.ceil(size / unit) * unit;
}
