// @ts-check
/** However many backends are tried, what they share comes once. */

import assert from "node:assert/strict";
import { beforeEach, test } from "node:test";
import { ModelFiles } from "../../web/model-files.js";

/** @type {string[]} */
let fetched;
/** @type {ModelFiles} */
let files;
beforeEach(() => {
  fetched = [];
  const bundle = {
    graph: (/** @type {string} */ name) => ({ file: name }),
    async fetchAll(/** @type {{file: string}} */ { file }) {
      fetched.push(`all for ${file}`);
      return { graph: file, weights: new Uint8Array(4), tokenizer: "t", chatTemplate: "c", store: "s" };
    },
    async fetchGraph(/** @type {{file: string}} */ { file }) {
      fetched.push(file);
      return file;
    },
  };
  files = new ModelFiles(/** @type {any} */ (bundle), {});
});

test("a second graph alone is fetched, over the same weights", async () => {
  const { weights } = await files.of("webgpu-f16");
  const second = await files.of("webgpu-f32");
  assert.deepEqual(fetched, ["all for webgpu-f16", "webgpu-f32"]);
  assert.equal(second.graph, "webgpu-f32");
  assert.equal(second.weights, weights);
});

test("the same graph is not fetched again", async () => {
  await files.of("wasm");
  await files.of("wasm");
  assert.deepEqual(fetched, ["all for wasm"]);
});

test("weights that a backend gave up are read again", async () => {
  const { weights } = await files.of("wasm");
  structuredClone(weights, { transfer: [weights.buffer] });
  assert.equal((await files.of("webgpu-f32")).weights.byteLength, 4);
  assert.deepEqual(fetched, ["all for wasm", "all for webgpu-f32"]);
});
