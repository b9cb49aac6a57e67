// @ts-check
import assert from "node:assert/strict";
import { afterEach, test } from "node:test";
import { startPython } from "../../web/python-runtime.js";
import { fetchSiteIndex, SiteIndex } from "../../web/site-index.js";

const originalFetch = globalThis.fetch;
const { Module } = WebAssembly;
afterEach(() => {
  globalThis.fetch = originalFetch;
  WebAssembly.Module = Module;
});

/** A site whose Pyodide is the module with this source. @param {string} source */
function siteWith(source) {
  const module = `data:text/javascript,${encodeURIComponent(source)}`;
  const python = {
    pyodide: "vendor/pyodide/",
    module,
    standard_library: "python/standard-library.zip",
    lock: "python/lock.json",
    wheels: "python/wheels/",
    packages: ["pagelm"],
    fetches: ["python/standard-library.zip"],
  };
  const site = /** @type {any} */ ({ python, onnxruntime_web: { builds: {} }, files: {} });
  return new SiteIndex(site, "http://site/folder/site.json");
}

test("Pyodide is told every address, so it guesses none", async () => {
  const python = /** @type {any} */ (
    await startPython(siteWith("export const loadPyodide = async (options) => options"), () => {})
  );
  assert.deepEqual(python, {
    indexURL: "http://site/folder/vendor/pyodide/",
    stdLibURL: "http://site/folder/python/standard-library.zip",
    lockFileURL: "http://site/folder/python/lock.json",
    packageBaseUrl: "http://site/folder/python/wheels/",
    packages: ["pagelm"],
  });
});

test("what Pyodide fetches is counted by its bytes, other addresses are not", async () => {
  globalThis.fetch = async () =>
    new Response(new Uint8Array(1000), { headers: { "content-type": "application/wasm" } });
  /** @type {any} */ (globalThis).location = { href: "http://site/folder/worker.js" };
  let counted = 0;
  const python = await startPython(
    siteWith(`export async function loadPyodide({ stdLibURL }) {
      await (await fetch("http://site/folder/other")).arrayBuffer();
      const response = await fetch(stdLibURL);
      return { type: response.headers.get("content-type"), bytes: (await response.arrayBuffer()).byteLength };
    }`),
    (bytes) => {
      counted += bytes;
    },
  );
  delete (/** @type {any} */ (globalThis).location);
  assert.deepEqual(python, { type: "application/wasm", bytes: 1000 });
  assert.equal(counted, 1000);
});

test("the global fetch is what it was, also after a failure", async () => {
  const before = globalThis.fetch;
  await assert.rejects(
    startPython(siteWith("export const loadPyodide = async () => { throw Error('no') }"), () => {}),
  );
  assert.equal(globalThis.fetch, before);
});

test("a Pyodide that fails is named, with its own words", async () => {
  const site = siteWith("export const loadPyodide = async () => { throw new TypeError('no stdlib') }");
  await assert.rejects(
    startPython(site, () => {}),
    { name: "SiteError", message: /did not start: TypeError: no stdlib/ },
  );
});

test("memory that the browser refuses is named as that", async () => {
  const site = siteWith(
    "export const loadPyodide = async () => { throw new RangeError('WebAssembly.Memory(): could not allocate memory') }",
  );
  await assert.rejects(
    startPython(site, () => {}),
    { name: "DeviceMemoryError", message: /no memory for Python: RangeError.*Close other tabs/ },
  );
});

test("a policy without wasm-unsafe-eval is named at once, where loadPyodide would hang", async () => {
  // @ts-expect-error what a browser does under such a policy
  WebAssembly.Module = function refuse() {
    throw new WebAssembly.CompileError("blocked by Content Security Policy");
  };
  const site = siteWith("export const loadPyodide = () => new Promise(() => {})");
  await assert.rejects(
    startPython(site, () => {}),
    { name: "SiteError", message: /wasm-unsafe-eval/ },
  );
});

test("a Pyodide that never settles is given up after a minute without a byte", async (context) => {
  context.mock.timers.enable({ apis: ["setTimeout"] });
  const started = startPython(siteWith("export const loadPyodide = () => new Promise(() => {})"), () => {});
  context.mock.timers.tick(60_000);
  await assert.rejects(started, { name: "SiteError", message: /no progress for 60 s/ });
});

test("a site index that is missing or of another format is named by its address", async () => {
  globalThis.fetch = async () => new Response("no", { status: 404 });
  await assert.rejects(fetchSiteIndex("http://site/site.json"), {
    name: "SiteError",
    message: /http:\/\/site\/site\.json cannot be used: HTTP status 404/,
  });
  globalThis.fetch = async () => new Response('{"format": 2}');
  await assert.rejects(fetchSiteIndex("http://site/site.json"), { name: "SiteError", message: /format 2/ });
});
