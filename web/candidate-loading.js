// @ts-check
/**
 * One candidate for a backend from files to a decoder that has said the right tokens.
 *
 * What candidates share, the bundle's files and the runtimes, is brought once, however many are tried. Knows neither their
 * order nor what is said of those that fail.
 *
 * @module
 */

import { Decoder } from "./decoder.js";
import { openWebGpuDevice } from "./decoder-webgpu.js";
import { answerOfGpu } from "./gpu-device.js";
import { defaultMemoryBudget, planKeyValues } from "./key-value-budget.js";
import { ModelFiles } from "./model-files.js";
import { RecordedDevice } from "./step-record.js";
import { warmUp } from "./warm-up.js";
import { openWasmDevice } from "./wasm-session.js";

/** @typedef {import("./backend-choice.js").Candidate} Candidate */
/** @typedef {import("./bundle-store.js").Bundle} Bundle */
/** @typedef {import("./bundle-store.js").BundleFiles} BundleFiles */
/** @typedef {import("./model-loading.js").Outlets} Outlets */
/** @typedef {import("./onnxruntime.js").OnnxRuntime} OnnxRuntime */
/** @typedef {import("./protocol.js").LoadOptions} LoadOptions */
/** @typedef {import("./protocol.js").Progress} Progress */
/** @typedef {import("./runtime-loading.js").RuntimeLoading} RuntimeLoading */

export class CandidateLoading {
  #options;
  #bundle;
  #runtimes;
  #files;
  #progress;
  #signal;

  /**
   * @param {LoadOptions} options
   * @param {Bundle} bundle
   * @param {RuntimeLoading} runtimes
   * @param {Pick<Outlets, "progress" | "signal">} outlets
   */
  constructor(options, bundle, runtimes, { progress, signal }) {
    this.#options = options;
    this.#bundle = bundle;
    this.#runtimes = runtimes;
    this.#progress = progress;
    this.#signal = signal;
    this.#files = new ModelFiles(bundle, {
      onProgress: (transfer) => progress(weightsProgress(transfer)),
      signal,
      ...(options.parallelFetches && { parallelFetches: options.parallelFetches }),
    });
  }

  /**
   * Everything that has to be fetched, side by side.
   * @param {Candidate} first
   */
  async prepare(first) {
    this.#planKeyValues(first); // a budget that holds nothing is known before anything is fetched
    // What fails here is the candidate's failure, which is told when it is opened.
    const runtime = this.#runtimes.loadOnnxRuntime(first.name).catch(() => {});
    const [python, files] = await Promise.all([
      this.#runtimes.startPython(),
      this.#files.of(first.graph),
      runtime,
    ]);
    this.#signal.throwIfAborted();
    const { tokenizer, chatTemplate, store } = files;
    return { python, files: { tokenizer, chatTemplate, store } };
  }

  /**
   * A decoder that has said the right tokens.
   * @param {Candidate} candidate
   */
  async open(candidate) {
    const keyValues = this.#planKeyValues(candidate);
    const ort = await this.#runtimes.loadOnnxRuntime(candidate.name);
    const files = await this.#files.of(candidate.graph);
    const { device, capabilities } = await compile(
      ort,
      this.#bundle,
      candidate,
      files,
      keyValues.maxPositions,
      report(this.#progress, "compile"),
    );
    const record = this.#options.instrument ? new RecordedDevice(device) : null;
    const decoder = new Decoder(record ?? device, capabilities);
    this.#progress({ stage: "warmup", loadedBytes: 0, totalBytes: 1 });
    try {
      const warmedUp = await warmUp(decoder, this.#bundle.manifest);
      this.#signal.throwIfAborted();
      this.#progress({ stage: "warmup", loadedBytes: 1, totalBytes: 1 });
      return { decoder, record, lost: device.lost, keyValues, warmedUp };
    } catch (error) {
      // A lost GPU may neither give back what it has nor say so.
      await answerOfGpu(decoder.close()).catch(() => {});
      throw error;
    }
  }

  release() {
    this.#files.release();
  }

  /** @param {Candidate} candidate */
  #planKeyValues({ graph }) {
    const { deviceMemory } = /** @type {{deviceMemory?: number}} */ (navigator);
    return planKeyValues(
      this.#bundle.manifest.model,
      this.#bundle.graph(graph).key_value_dtype,
      this.#options.memoryBudget ?? defaultMemoryBudget(deviceMemory),
    );
  }
}

/**
 * The session on its device, and what a decoder on it can do.
 *
 * @param {OnnxRuntime} ort
 * @param {Bundle} bundle
 * @param {Pick<Candidate, "name" | "graph">} candidate
 * @param {Pick<BundleFiles, "graph" | "weights">} files  WASM gives up the weights once it has its session
 * @param {number} maxPositions  of the context
 * @param {(done: number, total: number) => void} onProgress
 */
export async function compile(ort, { manifest }, { name, graph }, files, maxPositions, onProgress) {
  const entry = manifest.graphs[graph];
  // Bytes of the expanded weights where there are any, and one more for the session, which comes after them.
  const totalBytes = (name === "wasm" ? (entry.expanded?.bytes ?? 0) : 0) + 1;
  onProgress(0, totalBytes);
  const device =
    name === "webgpu"
      ? await openWebGpuDevice(ort, manifest, entry, files, maxPositions)
      : await openWasmDevice(ort, manifest, entry, files, maxPositions, (bytes) =>
          onProgress(bytes, totalBytes),
        );
  onProgress(totalBytes, totalBytes);
  const vocabSize = manifest.model.vocab_size;
  const candidates = Math.min(entry.candidates, vocabSize);
  const verifyTokens = entry.verify_tokens ?? 0;
  return { device, capabilities: { name, graph, candidates, vocabSize, maxPositions, verifyTokens } };
}

/**
 * @param {import("./protocol.js").Transfer} transfer
 * @returns {Progress}
 */
function weightsProgress(transfer) {
  const { loadedBytes, totalBytes } = transfer;
  return { stage: "weights", loadedBytes, totalBytes, transfer };
}

/**
 * @param {Outlets["progress"]} progress
 * @param {import("./protocol.js").LoadStage} stage
 * @returns {(loadedBytes: number, totalBytes: number) => void}
 */
function report(progress, stage) {
  return (loadedBytes, totalBytes) => progress({ stage, loadedBytes, totalBytes });
}
