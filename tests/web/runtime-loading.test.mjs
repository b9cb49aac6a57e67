// @ts-check
/** The stage `runtime`: a build for each backend that asks, each once, and bytes that add up. */

import assert from "node:assert/strict";
import { test } from "node:test";
import { RuntimeLoading } from "../../web/runtime-loading.js";

const SITE_URL = "https://host.example/";

/** A site whose files of onnxruntime-web are not there. */
function makeLoading() {
  /** @type {Array<[number, number]>} */
  const progress = [];
  const build = (/** @type {string} */ name) => ({
    module: `${name}.mjs`,
    loader: "l",
    binary: `${name}.wasm`,
  });
  const index = {
    site: {
      onnxruntime_web: { builds: { wasm: build("wasm"), jspi: build("gpu"), asyncify: build("gpu") } },
    },
    at: (/** @type {string} */ path) => new URL(path, SITE_URL).href,
    bytesOf: (/** @type {string[]} */ paths) => 10 * paths.length,
  };
  const loading = new RuntimeLoading(/** @type {any} */ (index), undefined, ({ loadedBytes, totalBytes }) =>
    progress.push([loadedBytes, totalBytes]),
  );
  return { loading, progress };
}

test("a build is loaded once, and one for another backend adds to what is fetched", async (t) => {
  t.mock.method(globalThis, "fetch", async () => new Response("", { status: 404 }));
  const { loading, progress } = makeLoading();
  const first = loading.loadOnnxRuntime("webgpu");
  assert.equal(loading.loadOnnxRuntime("webgpu"), first);
  await assert.rejects(first, { name: "SiteError", message: /gpu\.(mjs|wasm)/ });
  await assert.rejects(loading.loadOnnxRuntime("wasm"), { name: "SiteError", message: /wasm\.(mjs|wasm)/ });
  assert.deepEqual(progress, [
    [0, 20],
    [0, 40],
  ]);
});
