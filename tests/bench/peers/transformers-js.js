// @ts-nocheck: served beside the installed packages.
/**
 * Loads a folder that `pagelm export --layout transformers-js` wrote in transformers.js, from this server alone.
 *
 * @module
 */

import * as transformers from "./transformers/transformers.min.js";

/**
 * @param {{model: string, device: "wasm" | "webgpu", threads: number}} order  model: a folder of /peer-models/
 */
export async function loadModel({ model, device, threads }) {
  const { env, pipeline } = transformers;
  Object.assign(env, {
    allowRemoteModels: false,
    allowLocalModels: true,
    localModelPath: "/peer-models/",
    useBrowserCache: false,
    useWasmCache: false,
  });
  const build = (kind) => new URL(`./ort/ort-wasm-simd-threaded.asyncify.${kind}`, import.meta.url).href;
  env.backends.onnx.wasm.wasmPaths = { mjs: build("mjs"), wasm: build("wasm") };
  env.backends.onnx.wasm.numThreads = threads;
  return pipeline("text-generation", model, { dtype: "q4", device });
}

export const { Tensor } = transformers;
