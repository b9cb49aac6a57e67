// @ts-check
/**
 * Makes onnxruntime-web's session, and puts its failures into words: which graph, on what, and what to do.
 *
 * @module
 */

import { BackendError, DeviceMemoryError } from "./errors.js";
import { isOutOfMemory } from "./memory.js";

/** @typedef {import("onnxruntime-common").InferenceSession} InferenceSession */

/** Its warnings are about graphs, which are the builder's, and would fill the console of the page around us. */
const ERRORS_ONLY = 3;

/**
 * @param {import("./onnxruntime.js").OnnxRuntime} ort
 * @param {Uint8Array} graph  the ONNX file
 * @param {Parameters<import("./onnxruntime.js").OnnxRuntime["InferenceSession"]["create"]>[1]} options
 * @param {{file: string, elsewhere: string}} names  file: the graph's, elsewhere: the backend to try instead
 * @returns {Promise<InferenceSession>}
 * @throws {BackendError}
 */
export async function createSession(ort, graph, options, { file, elsewhere }) {
  try {
    return await ort.InferenceSession.create(graph, { ...options, logSeverityLevel: ERRORS_ONLY });
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause);
    if (isOutOfMemory(cause)) {
      throw new DeviceMemoryError(`there is no memory for a session of ${file}: ${why}`, {
        expected: "room for the graph and its weights",
        remedy: `Close other tabs and programs and reload, choose ${elsewhere} in the Settings, or take a smaller model.`,
        cause,
      });
    }
    throw new BackendError(`onnxruntime makes no session of ${file}: ${why}`, {
      expected: "a graph that this version of onnxruntime-web runs",
      remedy: `Reload the page; if it stays, choose ${elsewhere} in the Settings or export the bundle again.`,
      cause,
    });
  }
}
