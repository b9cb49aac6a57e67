// @ts-check
/**
 * Loads the build of onnxruntime-web that fits a backend, from this site's own files.
 *
 * The build matters: the WebGPU builds lack CPU kernels that the `wasm` graph needs, and of the two WebGPU builds the
 * one for JSPI is smaller and faster but needs a browser that can suspend WebAssembly.
 *
 * @module
 */

import { chunks } from "./byte-stream.js";
import { SiteError } from "./errors.js";
import { STALL_MS, watchForStall } from "./stall.js";

/** @typedef {typeof import("onnxruntime-common")} OnnxRuntime */
/** @typedef {"wasm" | "jspi" | "asyncify"} BuildName */

/**
 * @param {import("./protocol.js").BackendName} backend
 * @returns {BuildName}
 */
export function chooseBuild(backend) {
  if (backend === "wasm") return "wasm";
  return "Suspending" in WebAssembly ? "jspi" : "asyncify";
}

/**
 * How many threads the WASM build uses, and why: one without cross-origin isolation, because threads share memory.
 * @param {number | undefined} wanted
 * @returns {{threads: number, reason: string}}  reason: a sentence for a person
 */
export function chooseThreads(wanted) {
  if (!globalThis.crossOriginIsolated) {
    const ignored = wanted !== undefined && wanted > 1 ? `, although ${wanted} were asked for,` : "";
    const why = "because this host does not isolate the page (COOP/COEP)";
    return { threads: 1, reason: `It runs on 1 thread${ignored} ${why}.` };
  }
  // More than eight do not help a decode that is bound by memory bandwidth.
  const threads = Math.max(1, wanted ?? Math.min(globalThis.navigator.hardwareConcurrency || 1, 8));
  const number = threads === 1 ? "1 thread" : `${threads} threads`;
  return { threads, reason: `It runs on ${number}${wanted === undefined ? "" : ", as asked for"}.` };
}

/**
 * @param {import("./site-index.js").SiteIndex} index
 * @param {BuildName} build
 * @param {number} threads
 * @param {(bytes: number) => void} count  called with the bytes of each piece that has arrived
 * @param {AbortSignal} [signal]  stops what is fetched
 * @returns {Promise<OnnxRuntime>}
 */
export async function loadOnnxRuntime(index, build, threads, count, signal = new AbortController().signal) {
  const { module, loader, binary } = index.site.onnxruntime_web.builds[build];
  /** @type {[OnnxRuntime, ArrayBuffer]} */
  const [ort, wasmBinary] = await Promise.all([
    import(index.at(module)).catch((cause) => fail(index.at(module), cause)),
    fetchBinary(index.at(binary), count, signal).catch((cause) => fail(index.at(binary), cause)),
  ]);
  count(index.bytesOf([module]));
  const mjs = build === "wasm" ? factoryUrl(index.at(loader)) : index.at(loader);
  ort.env.wasm.wasmPaths = { mjs, wasm: index.at(binary) };
  // Given as bytes, because onnxruntime-web would only fetch it after the weights have come.
  ort.env.wasm.wasmBinary = wasmBinary;
  ort.env.wasm.numThreads = threads;
  ort.env.logLevel = "error";
  return ort;
}

/**
 * The address of our factory around a stock one.
 * @param {string} loaderUrl
 */
function factoryUrl(loaderUrl) {
  const url = new URL("./onnxruntime-factory.js", import.meta.url);
  url.searchParams.set("loader", loaderUrl);
  return url.href;
}

/**
 * @param {string} url
 * @param {(bytes: number) => void} count
 * @param {AbortSignal} signal
 * @returns {Promise<ArrayBuffer>}
 */
async function fetchBinary(url, count, signal) {
  const stall = watchForStall(signal, STALL_MS);
  try {
    const response = await fetch(url, { signal: stall.signal });
    if (!response.ok) throw new Error(`HTTP status ${response.status}`);
    /** @type {BlobPart[]} */
    const pieces = [];
    for await (const chunk of chunks(response)) {
      stall.progress();
      pieces.push(/** @type {Uint8Array<ArrayBuffer>} */ (chunk));
      count(chunk.byteLength);
    }
    return await new Blob(pieces).arrayBuffer();
  } finally {
    stall.stop();
  }
}

/**
 * @param {string} url
 * @param {Error} cause
 * @returns {never}
 */
function fail(url, cause) {
  throw new SiteError(`onnxruntime-web cannot be loaded from ${url}: ${cause.message}`, {
    expected: "the file that site.json names",
    remedy: "Check the connection and reload; if it stays, build the site again with `pagelm site`.",
    cause,
  });
}
