// @ts-check
/**
 * From a `load` message to a model that answers: site index and manifest, the candidates for a backend, the first of them
 * that runs (candidate-loading.js), and Python's session on it. Tells what runs, and why.
 *
 * Says how far it is at every stage. Nothing here is specific to a chat.
 *
 * @module
 */

import { chooseBackends, explainChoice } from "./backend-choice.js";
import { failureClause, openFirst } from "./backend-opening.js";
import { openBundle } from "./bundle-store.js";
import { CandidateLoading } from "./candidate-loading.js";
import { installInstrument } from "./instrument.js";
import { holdUse } from "./model-locks.js";
import { chooseThreads } from "./onnxruntime.js";
import { RuntimeLoading } from "./runtime-loading.js";
import { fetchSiteIndex } from "./site-index.js";

/** @typedef {import("./protocol.js").LoadOptions} LoadOptions */
/** @typedef {import("./protocol.js").Progress} Progress */
/**
 * `pagelm.page_session.PageSession`, through Pyodide.
 * @typedef {object} PageSession
 * @property {(id: number, requestJson: string) => Promise<void>} generate
 * @property {(id: number) => void} cancel
 * @property {(id: number, requestJson: string) => void} count
 * @property {() => string} tools
 * @property {(id: number, requestJson: string) => Promise<void>} run_tool
 * @property {(id: number, requestJson: string) => void} check_format
 * @property {(id: number, requestJson: string) => Promise<void>} read_preface
 * @property {() => void} leave_preface
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
  const counters = options.instrument ? installInstrument() : null;
  const [index, bundle] = await Promise.all([
    fetchSiteIndex(new URL("./site.json", import.meta.url).href, signal),
    openBundle(options.bundleUrl, { signal }),
  ]);
  const choice = await chooseBackends(
    options.backend,
    bundle.manifest.graphs,
    navigator.gpu,
    options.avoidWebGpu,
  );
  const runtimes = new RuntimeLoading(index, options.threads, progress, signal);
  const loading = new CandidateLoading(options, bundle, runtimes, { progress, signal });
  const { python, files } = await loading.prepare(choice.candidates[0]);
  const { candidate, opened, dropped } = await openFirst(
    choice.candidates,
    (each) => loading.open(each),
    signal,
  );
  loading.release();
  const { decoder, record, lost, keyValues, warmedUp } = opened;
  const session = python
    .pyimport("pagelm.page_session")
    .open_session(bundle.manifestText, files.tokenizer, files.chatTemplate, decoder, post);
  counters?.reset();
  if (record) record.steps = [];

  const { name, thinking, generation } = bundle.manifest;
  const reason = explainChoice(choice, candidate, dropped.map(failureClause));
  holdUse(bundle.folder);
  return {
    ready: {
      model: { name, contextSize: keyValues.maxPositions, thinking, generation },
      backend: {
        ...candidate,
        reason: withThreads(reason, candidate.name, options.threads),
        dropped,
        ...warmedUp,
      },
      machine: describeMachine(choice.adapter, options.threads),
      keyValues,
      store: files.store,
    },
    session,
    lost,
    statistics: () => ({
      ...decoder.statistics,
      ...(counters?.read() ?? NOT_COUNTED),
      steps: record?.steps ?? null,
    }),
  };
}

/**
 * The reason with what is to be known about threads: they make WASM fast, and the address can ask for them.
 *
 * @param {string} reason
 * @param {import("./protocol.js").BackendName} name
 * @param {number | undefined} threads  what was asked for
 */
export function withThreads(reason, name, threads) {
  if (name === "wasm") return `${reason} ${chooseThreads(threads).reason}`;
  return threads === undefined ? reason : `${reason} “threads” counts for WASM only.`;
}

/**
 * @param {import("./protocol.js").AdapterDescription | null} adapter
 * @param {number | undefined} threads  what was asked for
 * @returns {import("./protocol.js").MachineDescription}
 */
function describeMachine(adapter, threads) {
  const { deviceMemory, hardwareConcurrency } = /** @type {Navigator & {deviceMemory?: number}} */ (
    navigator
  );
  return {
    adapter,
    threads: chooseThreads(threads).threads,
    processors: hardwareConcurrency,
    memoryGiB: deviceMemory ?? null,
  };
}
