// @ts-check
/**
 * Which graphs can be tried here, best first, and what stands against the others.
 *
 * Asks the adapter and compares it with what the manifest says each graph needs, before anything large is fetched. Whether
 * a candidate really starts and computes rightly is found out by opening it (backend-opening.js).
 *
 * @module
 */

import { BackendUnavailableError } from "./errors.js";
import { ADAPTER_OPTIONS, answerOfGpu } from "./gpu-device.js";

/** @typedef {import("./protocol.js").BackendPreference} BackendPreference */
/** @typedef {import("./protocol.js").BackendName} BackendName */
/** @typedef {import("./protocol.js").GraphName} GraphName */
/** @typedef {Record<string, import("./bundle-store.js").GraphEntry>} Graphs */
/**
 * @typedef {object} Candidate
 * @property {BackendName} name
 * @property {GraphName} graph
 * @property {string} [adapter]  what WebGPU calls it
 */
/**
 * @typedef {object} Choice
 * @property {BackendPreference} preference
 * @property {Candidate[]} candidates  the best first, at least one
 * @property {string[]} obstacles  why better ones are not among them, as clauses
 * @property {import("./protocol.js").AdapterDescription | null} adapter  null: WebGPU was not asked, or has none
 */
/** @typedef {Pick<Choice, "candidates" | "obstacles" | "adapter">} WebGpuVerdict */

const WEBGPU_GRAPHS = /** @type {const} */ (["webgpu-f16", "webgpu-f32"]);

/**
 * @param {BackendPreference} preference
 * @param {Graphs} graphs  of the manifest
 * @param {Pick<GPU, "requestAdapter"> | undefined} [gpu]
 * @param {string} [avoidWebGpu]  why "auto" must not take it, as a clause
 * @returns {Promise<Choice>}
 * @throws {BackendUnavailableError} when nothing is left, or not what was asked for
 */
export async function chooseBackends(preference, graphs, gpu = globalThis.navigator?.gpu, avoidWebGpu) {
  if (preference === "wasm") {
    return { preference, candidates: [wasm(graphs, "")], obstacles: [], adapter: null };
  }
  if (preference === "auto" && avoidWebGpu) {
    const obstacles = [avoidWebGpu];
    return { preference, candidates: [wasm(graphs, avoidWebGpu)], obstacles, adapter: null };
  }
  const verdict = await judgeWebGpu(preference, graphs, gpu);
  if (preference === "auto") {
    const { candidates, obstacles } = verdict;
    const last = "wasm" in graphs || candidates.length === 0 ? [wasm(graphs, obstacles.join(" and "))] : [];
    return { ...verdict, preference, candidates: [...candidates, ...last] };
  }
  if (verdict.candidates.length > 0) return { ...verdict, preference };
  throw new BackendUnavailableError(
    `${askedFor(preference)} was asked for, but ${verdict.obstacles.join(" and ")}`,
    {
      expected: "an adapter that can run the bundle's graph for it",
      remedy: "Choose Automatic or WASM in the Settings, or open the page in a browser with WebGPU.",
    },
  );
}

/**
 * One sentence for a person on why this one runs.
 *
 * @param {Choice} choice
 * @param {Candidate} candidate  that runs
 * @param {string[]} failures  of the candidates before it, as clauses
 */
export function explainChoice({ preference, obstacles }, { name, graph }, failures) {
  if (preference === graph) return `${askedFor(preference)} was asked for.`;
  const because = [...obstacles, ...failures].join(" and ");
  if (name === "wasm") return `WASM runs because ${because}.`;
  const precision = graph === "webgpu-f16" ? "half" : "single";
  return `WebGPU runs in ${precision} precision${because === "" ? "" : `, because ${because}`}.`;
}

/** @param {BackendPreference} preference */
function askedFor(preference) {
  if (preference === "wasm") return "WASM";
  return preference === "webgpu" ? "WebGPU" : `The graph ${preference}`;
}

/**
 * @param {Graphs} graphs
 * @param {string} because
 * @returns {Candidate}
 */
function wasm(graphs, because) {
  if (graphs.wasm !== undefined) return { name: "wasm", graph: "wasm" };
  throw new BackendUnavailableError("the bundle has no graph for WASM", {
    expected: "a graph named wasm",
    remedy: `Export the bundle again with it.${because === "" ? "" : ` It is needed because ${because}.`}`,
  });
}

/**
 * @param {BackendPreference} preference
 * @param {Graphs} graphs
 * @param {Pick<GPU, "requestAdapter"> | undefined} gpu
 * @returns {Promise<WebGpuVerdict>}
 */
async function judgeWebGpu(preference, graphs, gpu) {
  const none = (/** @type {string} */ obstacle) => ({ candidates: [], obstacles: [obstacle], adapter: null });
  if (gpu === undefined) return none("this browser does not offer WebGPU to this page");
  let adapter;
  try {
    adapter = await answerOfGpu(gpu.requestAdapter(ADAPTER_OPTIONS));
  } catch (error) {
    return none(`WebGPU fails to name an adapter (${error})`);
  }
  if (adapter === null) return none("WebGPU found no usable GPU");
  const description = describeAdapter(adapter);
  const { name } = description;
  if (preference === "auto" && description.software) {
    // WASM computes on the CPU too, and faster.
    const obstacle = `the only WebGPU adapter is software (${name}), which is slower`;
    return { candidates: [], obstacles: [obstacle], adapter: description };
  }
  /** @type {Candidate[]} */
  const candidates = [];
  const obstacles = [];
  const anyGraph = preference === "auto" || preference === "webgpu";
  for (const graph of WEBGPU_GRAPHS.filter((each) => anyGraph || each === preference)) {
    const entry = graphs[graph];
    const lack = entry === undefined ? "is not in the bundle" : lacking(entry, adapter);
    if (lack === null) candidates.push({ name: "webgpu", graph, adapter: name });
    // What only a worse one lacks is nobody's reason.
    else if (candidates.length === 0) obstacles.push(`${graph} ${lack}`);
  }
  if (candidates.length === 0) obstacles[0] = `on ${name} ${obstacles[0]}`;
  return { candidates, obstacles, adapter: description };
}

/**
 * @param {GPUAdapter} adapter
 * @returns {import("./protocol.js").AdapterDescription}
 */
function describeAdapter(adapter) {
  const { features, limits } = adapter;
  return {
    name: adapterName(adapter),
    software: isSoftware(adapter),
    shaderF16: features.has("shader-f16"),
    subgroups: features.has(/** @type {GPUFeatureName} */ ("subgroups")),
    largestBindingBytes: largestBinding(limits),
    storageBuffers: limits.maxStorageBuffersPerShaderStage,
  };
}

/** @param {GPUSupportedLimits} limits */
function largestBinding({ maxStorageBufferBindingSize, maxBufferSize }) {
  return Math.min(maxStorageBufferBindingSize, maxBufferSize);
}

/**
 * @param {import("./bundle-store.js").GraphEntry} entry
 * @param {GPUAdapter} adapter
 * @returns {string | null} what the adapter lacks
 */
function lacking(entry, { features, limits }) {
  for (const feature of entry.required_features) {
    if (!features.has(feature)) return `needs the GPU feature ${feature}`;
  }
  const binding = largestBinding(limits);
  if (entry.largest_binding_bytes > binding) {
    return `needs buffers of ${entry.largest_binding_bytes} bytes and this GPU allows ${binding}`;
  }
  const buffers = limits.maxStorageBuffersPerShaderStage;
  if (entry.storage_buffers > buffers) {
    return `needs ${entry.storage_buffers} storage buffers in one shader and this GPU allows ${buffers}`;
  }
  return null;
}

/** @param {GPUAdapter} adapter */
function adapterName({ info }) {
  const name = info.description || [info.vendor, info.architecture].filter(Boolean).join(" ");
  return name || "an adapter without a name";
}

/** @param {GPUAdapter} adapter */
function isSoftware({ info }) {
  // isFallbackAdapter is the standard's word; the architecture is for browsers from before it moved to `info`.
  return info.isFallbackAdapter === true || info.architecture === "swiftshader";
}
