// @ts-check
import assert from "node:assert/strict";
import { afterEach, test } from "node:test";
import { chooseBuild, chooseThreads, loadOnnxRuntime } from "../../web/onnxruntime.js";
import { SiteIndex } from "../../web/site-index.js";
import { hostThatStopsAfter, passSilence } from "./fake-host.mjs";

const originalFetch = globalThis.fetch;
afterEach(() => {
  globalThis.fetch = originalFetch;
  for (const name of ["crossOriginIsolated", "navigator"]) Reflect.deleteProperty(globalThis, name);
});

/** @param {string} name @param {unknown} value */
function define(name, value) {
  Object.defineProperty(globalThis, name, { value, configurable: true });
}

const MODULE = `data:text/javascript,${encodeURIComponent("export const env = { wasm: {} }")}`;

/** @param {string} module */
function siteWith(module) {
  const build = { module, loader: "ort/loader.mjs", binary: "ort/ort.wasm" };
  const builds = { wasm: build, jspi: build, asyncify: build };
  const site = /** @type {any} */ ({ onnxruntime_web: { builds }, files: { [module]: { bytes: 7 } } });
  return new SiteIndex(site, "http://site/folder/site.json");
}

test("WASM runs in the build with CPU kernels, WebGPU in the one for JSPI where that exists", () => {
  assert.equal(chooseBuild("wasm"), "wasm");
  const had = "Suspending" in WebAssembly;
  assert.equal(chooseBuild("webgpu"), had ? "jspi" : "asyncify");
  /** @type {any} */ (WebAssembly).Suspending ??= class {};
  assert.equal(chooseBuild("webgpu"), "jspi");
  if (!had) delete (/** @type {any} */ (WebAssembly).Suspending);
});

test("without cross-origin isolation there is one thread, whatever is wanted, and it is said why", () => {
  define("crossOriginIsolated", false);
  assert.deepEqual(chooseThreads(undefined), {
    threads: 1,
    reason: "It runs on 1 thread because this host does not isolate the page (COOP/COEP).",
  });
  const { threads, reason } = chooseThreads(4);
  assert.equal(threads, 1);
  assert.match(reason, /1 thread, although 4 were asked for, because this host/);
});

test("an isolated page gets a thread per core up to eight, or what is wanted", () => {
  define("crossOriginIsolated", true);
  define("navigator", { hardwareConcurrency: 6 });
  assert.deepEqual(chooseThreads(undefined), { threads: 6, reason: "It runs on 6 threads." });
  assert.deepEqual(chooseThreads(3), { threads: 3, reason: "It runs on 3 threads, as asked for." });
  define("navigator", { hardwareConcurrency: 32 });
  assert.equal(chooseThreads(undefined).threads, 8);
});

test("onnxruntime gets its files from the site, and all bytes are counted", async () => {
  globalThis.fetch = async () => new Response(new Uint8Array(100));
  let counted = 0;
  const ort = await loadOnnxRuntime(siteWith(MODULE), "wasm", 2, (bytes) => {
    counted += bytes;
  });
  const { wasmPaths, wasmBinary, numThreads } = ort.env.wasm;
  const { mjs, wasm } = /** @type {{mjs: string, wasm: string}} */ (wasmPaths);
  assert.match(mjs, /\/web\/onnxruntime-factory\.js\?/);
  assert.equal(new URL(mjs).searchParams.get("loader"), "http://site/folder/ort/loader.mjs");
  assert.equal(wasm, "http://site/folder/ort/ort.wasm");
  assert.equal(wasmBinary?.byteLength, 100);
  assert.equal(numThreads, 2);
  assert.equal(counted, 107);
});

test("the WebGPU builds get the stock factory", async () => {
  globalThis.fetch = async () => new Response(new Uint8Array(1));
  const ort = await loadOnnxRuntime(siteWith(MODULE), "jspi", 1, () => {});
  const { mjs } = /** @type {{mjs: string}} */ (ort.env.wasm.wasmPaths);
  assert.equal(mjs, "http://site/folder/ort/loader.mjs");
});

test("a binary that is not there is named by its address and status", async () => {
  globalThis.fetch = async () => new Response("no", { status: 404 });
  await assert.rejects(
    loadOnnxRuntime(siteWith(MODULE), "wasm", 1, () => {}),
    { name: "SiteError", message: /http:\/\/site\/folder\/ort\/ort\.wasm: HTTP status 404/ },
  );
});

test("a module that cannot be imported is named by its address", async () => {
  globalThis.fetch = async () => new Response(new Uint8Array(1));
  const broken = "data:text/javascript,syntax%20error";
  await assert.rejects(
    loadOnnxRuntime(siteWith(broken), "wasm", 1, () => {}),
    { name: "SiteError", message: /cannot be loaded from data:text\/javascript,syntax/ },
  );
});

test("a binary that stops coming, or is cancelled, is given up", async (context) => {
  context.mock.timers.enable({ apis: ["setTimeout"] });
  globalThis.fetch = hostThatStopsAfter("asm");
  const stalled = loadOnnxRuntime(siteWith(MODULE), "wasm", 1, () => {});
  const refused = assert.rejects(stalled, { name: "SiteError", message: /nothing came for 30000 ms/ });
  await passSilence(context);
  await refused;
  const stop = new AbortController();
  setImmediate(() => stop.abort(new Error("cancelled")));
  const cancelled = loadOnnxRuntime(siteWith(MODULE), "wasm", 1, () => {}, stop.signal);
  await assert.rejects(cancelled, { name: "SiteError", message: /cancelled/ });
});
