// @ts-check
/**
 * From a `load` message to a model that answers: site index and manifest, choice of the backend, then runtime and
 * weights at once, the session, Python's session on it, and a warm-up.
 *
 * Says how far it is at every stage. Nothing here is specific to a chat.
 *
 * @module
 */

import { chooseBackend } from "./backend-choice.js";
import { openBundle } from "./bundle-store.js";
import { Decoder } from "./decoder.js";
import { openWebGpuDevice } from "./decoder-webgpu.js";
import { installInstrument } from "./instrument.js";
import { defaultMemoryBudget, planKeyValues } from "./key-value-budget.js";
import { chooseBuild, chooseThreads, loadOnnxRuntime } from "./onnxruntime.js";
import { startPython } from "./python-runtime.js";
import { fetchSiteIndex } from "./site-index.js";
import { RecordedDevice } from "./step-record.js";
import { openWasmDevice } from "./wasm-session.js";

/** @typedef {import("./protocol.js").LoadOptions} LoadOptions */
/** @typedef {import("./protocol.js").Progress} Progress */
/** @typedef {import("./protocol.js").BackendDescription} BackendDescription */
/** @typedef {import("./bundle-store.js").Bundle} Bundle */
/** @typedef {import("./onnxruntime.js").OnnxRuntime} OnnxRuntime */
/** @typedef {Awaited<ReturnType<Bundle["fetchAll"]>>} BundleFiles */
/**
 * `pagelm.page_session.PageSession`, through Pyodide.
 * @typedef {object} PageSession
 * @property {(id: number, requestJson: string) => Promise<void>} generate
 * @property {(id: number) => void} cancel
 * @property {(id: number, requestJson: string) => void} count
 * @property {() => string} tools
 * @property {(id: number, requestJson: string) => Promise<void>} run_tool
 * @property {(id: number, requestJson: string) => void} check_format
 */
/**
 * @typedef {object} LoadedModel
 * @property {Omit<import("./protocol.js").Ready, "tools">} ready  what Python can do is Python's to add
 * @property {PageSession} session
 * @property {() => import("./protocol.js").Statistics} statistics
 * @property {Promise<Error>} lost  resolves when the device is of no more use
 */
/**
 * @typedef {object} Outlets
 * @property {(progress: Progress) => void} progress
 * @property {(kind: string, id: number, payload: string) => void} post  what Python has to say, as JSON
 * @property {AbortSignal} signal  stops the load
 */

const NOT_COUNTED = { dispatches: null, storageBuffers: null, largestBindings: null, mappedBytes: null };

/**
 * @param {LoadOptions} options
 * @param {Outlets} outlets
 * @returns {Promise<LoadedModel>}
 */
export async function loadModel(options, { progress, post, signal }) {
  const { bundleUrl, backend, threads, memoryBudget, avoidWebGpu, instrument } = options;
  const counters = instrument ? installInstrument() : null;
  const [index, bundle] = await Promise.all([
    fetchSiteIndex(new URL("./site.json", import.meta.url).href),
    openBundle(bundleUrl),
  ]);
  const { manifest } = bundle;
  const choice = await chooseBackend(backend, manifest.graphs, navigator.gpu, avoidWebGpu);
  const description = describeThreads(choice, threads);
  const keyValues = planKeyValues(
    manifest.model,
    bundle.graph(description.graph).key_value_dtype,
    memoryBudget ?? defaultMemoryBudget(/** @type {{deviceMemory?: number}} */ (navigator).deviceMemory),
  );
  const [{ python, ort }, files] = await Promise.all([
    loadRuntime(index, description, threads, progress),
    bundle.fetchAll(bundle.graph(description.graph), {
      onProgress: (transfer) => progress(weightsProgress(transfer)),
      signal,
      ...(options.parallelFetches && { parallelFetches: options.parallelFetches }),
    }),
  ]);
  signal.throwIfAborted();

  const { device, capabilities } = await compile(
    ort,
    bundle,
    description,
    files,
    keyValues.maxPositions,
    report(progress, "compile"),
  );
  const record = instrument ? new RecordedDevice(device) : null;
  const decoder = new Decoder(record ?? device, capabilities);
  const session = python
    .pyimport("pagelm.page_session")
    .open_session(bundle.manifestText, files.tokenizer, files.chatTemplate, decoder, post);
  progress({ stage: "warmup", loadedBytes: 0, totalBytes: 1 });
  await decoder.warmUp();
  counters?.reset();
  if (record) record.steps = [];
  progress({ stage: "warmup", loadedBytes: 1, totalBytes: 1 });

  const model = {
    name: manifest.name,
    contextSize: keyValues.maxPositions,
    thinking: manifest.thinking,
    generation: manifest.generation,
  };
  return {
    ready: { model, backend: description, keyValues, store: files.store },
    session,
    lost: device.lost,
    statistics: () => ({
      ...decoder.statistics,
      ...(counters?.read() ?? NOT_COUNTED),
      steps: record?.steps ?? null,
    }),
  };
}

/**
 * Python and onnxruntime-web together are the stage `runtime`.
 *
 * @param {import("./site-index.js").SiteIndex} index
 * @param {BackendDescription} description
 * @param {number | undefined} threads
 * @param {Outlets["progress"]} progress
 */
export async function loadRuntime(index, { name }, threads, progress) {
  const build = chooseBuild(name);
  const { module, binary } = index.site.onnxruntime_web.builds[build];
  const totalBytes = index.bytesOf([...index.site.python.fetches, module, binary]);
  let loadedBytes = 0;
  const count = (/** @type {number} */ bytes) => {
    loadedBytes = Math.min(loadedBytes + bytes, totalBytes);
    progress({ stage: "runtime", loadedBytes, totalBytes });
  };
  count(0);
  const [python, ort] = await Promise.all([
    startPython(index, count),
    loadOnnxRuntime(index, build, name === "wasm" ? chooseThreads(threads).threads : 1, count),
  ]);
  // Pyodide imports its own modules, and imports cannot be counted on their way.
  count(totalBytes - loadedBytes);
  return { python, ort };
}

/**
 * The session on its device, and what a decoder on it can do.
 *
 * @param {OnnxRuntime} ort
 * @param {Bundle} bundle
 * @param {BackendDescription} description
 * @param {BundleFiles} files  not to be used again: WASM gives up the weights
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
 * The reason with what is to be known about threads: they make WASM fast, and the address can ask for them.
 *
 * @param {BackendDescription} description
 * @param {number | undefined} threads  what was asked for
 * @returns {BackendDescription}
 */
export function describeThreads(description, threads) {
  if (description.name === "wasm") {
    return { ...description, reason: `${description.reason} ${chooseThreads(threads).reason}` };
  }
  if (threads === undefined) return description;
  return { ...description, reason: `${description.reason} “threads” counts for WASM only.` };
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
