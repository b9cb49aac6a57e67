// @ts-check
/**
 * Decides which graph runs where, and says why in one sentence that a person can read.
 *
 * Asks the adapter and compares it with what the manifest says each graph needs. Decides once, before anything large
 * is fetched; nobody falls back to something else later without saying so.
 *
 * @module
 */

import { BackendUnavailableError } from "./errors.js";
import { ADAPTER_OPTIONS } from "./gpu-device.js";

/** @typedef {import("./protocol.js").BackendPreference} BackendPreference */
/** @typedef {import("./protocol.js").BackendDescription} BackendDescription */
/** @typedef {Record<string, import("./bundle-store.js").GraphEntry>} Graphs */
/** @typedef {{description: BackendDescription} | {refusal: string}} WebGpuVerdict */

/**
 * @param {BackendPreference} preference
 * @param {Graphs} graphs  of the manifest
 * @param {Pick<GPU, "requestAdapter"> | undefined} [gpu]
 * @param {string} [avoidWebGpu]  why "auto" must not take it
 * @returns {Promise<BackendDescription>}
 */
export async function chooseBackend(preference, graphs, gpu = globalThis.navigator?.gpu, avoidWebGpu) {
  if (preference === "wasm") return wasm(graphs, "WASM was asked for.");
  if (preference === "auto" && avoidWebGpu) return wasm(graphs, `WASM runs because ${avoidWebGpu}.`);
  const verdict = await judgeWebGpu(graphs, gpu, preference === "auto");
  if ("description" in verdict) return verdict.description;
  if (preference === "auto") return wasm(graphs, `WASM runs because ${verdict.refusal}.`);
  throw new BackendUnavailableError(`WebGPU was asked for, but ${verdict.refusal}`, {
    expected: "an adapter that can run one of the bundle's WebGPU graphs",
    remedy: "Choose Automatic or WASM in the Settings, or open the page in a browser with WebGPU.",
  });
}

/**
 * @param {Graphs} graphs
 * @param {string} reason
 * @returns {BackendDescription}
 */
function wasm(graphs, reason) {
  if (graphs.wasm === undefined) {
    throw new BackendUnavailableError("the bundle has no graph for WASM", {
      expected: "a graph named wasm",
      remedy: `Export the bundle again with it. ${reason}`,
    });
  }
  return { name: "wasm", graph: "wasm", reason };
}

/**
 * @param {Graphs} graphs
 * @param {Pick<GPU, "requestAdapter"> | undefined} gpu
 * @param {boolean} hardwareOnly  refuse adapters that compute on the CPU: WASM does that faster
 * @returns {Promise<WebGpuVerdict>}
 */
async function judgeWebGpu(graphs, gpu, hardwareOnly) {
  if (gpu === undefined) return { refusal: "this browser does not offer WebGPU to this page" };
  const adapter = await gpu.requestAdapter(ADAPTER_OPTIONS);
  if (adapter === null) return { refusal: "WebGPU found no usable GPU" };
  const name = adapterName(adapter);
  if (hardwareOnly && isSoftware(adapter)) {
    return { refusal: `the only WebGPU adapter is software (${name}), which is slower` };
  }
  const refusals = [];
  for (const graph of /** @type {const} */ (["webgpu-f16", "webgpu-f32"])) {
    const entry = graphs[graph];
    const lack = entry === undefined ? "is not in the bundle" : lacking(entry, adapter);
    if (lack === null) {
      const because = refusals.length ? `, because ${refusals.join(" and ")}` : "";
      const reason = `WebGPU runs ${graph === "webgpu-f16" ? "in half" : "in single"} precision${because}.`;
      return { description: { name: "webgpu", graph, reason, adapter: name } };
    }
    refusals.push(`${graph} ${lack}`);
  }
  return { refusal: `on ${name} ${refusals.join(" and ")}` };
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
  const binding = Math.min(limits.maxStorageBufferBindingSize, limits.maxBufferSize);
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
