// @ts-check
/**
 * Opens the WASM device: expands the weights, makes the session through onnxruntime-web's public API, and finds the heap it
 * lives in.
 *
 * @module
 */

import { WasmDevice } from "./decoder-wasm.js";
import { chooseWorkers, expandWeights } from "./expand-weights.js";
import { createSession } from "./session.js";
import { checkModule, checkVersion, WasmHeap } from "./wasm-heap.js";

/**
 * @param {import("./onnxruntime.js").OnnxRuntime} ort  from `loadOnnxRuntime`, which gives it our factory
 * @param {import("./bundle-store.js").Manifest} manifest
 * @param {import("./bundle-store.js").GraphEntry} entry
 * @param {{graph: Uint8Array, weights: Uint8Array<ArrayBuffer>}} files  the weights are given up: empty afterwards
 * @param {number} maxPositions  of the context
 * @param {(expandedBytes: number) => void} onProgress
 * @returns {Promise<WasmDevice>}
 */
export async function openWasmDevice(ort, manifest, entry, { graph, weights }, maxPositions, onProgress) {
  checkVersion(ort.env.versions.web);
  /** @type {typeof import("./onnxruntime-factory.js")} */
  const factory = await import(/** @type {{mjs: string}} */ (ort.env.wasm.wasmPaths).mjs);
  if (entry.expanded) {
    const workers = chooseWorkers(entry.expanded.bytes, globalThis.navigator?.hardwareConcurrency || 1);
    const file = await expandWeights(weights, entry.expanded, { workers, onProgress });
    factory.mountForNextSession(entry.expanded.external_data, file);
  }
  const options = {
    executionProviders: ["wasm"],
    externalData: [{ path: entry.external_data, data: weights }],
  };
  const session = await createSession(ort, graph, options, { file: entry.file, elsewhere: "WebGPU" });
  // onnxruntime has its own copies now; a browser that cannot free at once leaves it to its collector
  weights.buffer.transfer?.(0);
  const { module, handle } = factory.newestSession();
  checkModule(module);
  const opened = { handle, release: () => session.release() };
  return new WasmDevice(new WasmHeap(module), opened, manifest, maxPositions);
}
