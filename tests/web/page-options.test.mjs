// @ts-check
/** The address decides model, backend and thinking; what it cannot have is said. */

import assert from "node:assert/strict";
import test from "node:test";
import { SiteError } from "../../web/errors.js";
import { readPageOptions } from "../../web/page-options.js";

const SITE = {
  default_model: "pico",
  models: [
    { name: "other", path: "models/other/" },
    { name: "pico", path: "models/pico/" },
  ],
};
const SITE_URL = "https://host.example/docs/chat/site.json";

/** @param {string} search */
const read = (search) => readPageOptions(search, SITE, SITE_URL, true);

test("without parameters: the default model, automatic backend, nothing instrumented", () => {
  const options = read("");
  assert.deepEqual(options.load, {
    bundleUrl: "https://host.example/docs/chat/models/pico/",
    backend: "auto",
  });
  assert.equal(options.enableThinking, null);
  assert.deepEqual(options.problems, []);
});

test("parameters choose model, backend, threads, thinking and instruments", () => {
  const options = read("?model=other&backend=wasm&threads=2&memory=500&thinking=0&instrument=1");
  assert.deepEqual(options.load, {
    bundleUrl: "https://host.example/docs/chat/models/other/",
    backend: "wasm",
    threads: 2,
    memoryBudget: 500_000_000,
    instrument: true,
  });
  assert.equal(options.enableThinking, false);
  assert.deepEqual(options.problems, []);
});

for (const [search, sentence] of /** @type {[string, RegExp][]} */ ([
  ["?model=gpt", /no model “gpt”.*other, pico.*pico is used/],
  ["?backend=cuda", /backend=cuda.*one of auto, webgpu, webgpu-f16, webgpu-f32, wasm/],
  ["?thinking=yes", /thinking=yes.*0 or 1/],
  ["?memory=all", /memory=all.*whole number/],
  ["?threads=0", /threads=0.*whole number/],
])) {
  test(`${search} is answered with a sentence and the default`, () => {
    const options = read(search);
    assert.equal(options.problems.length, 1);
    assert.match(options.problems[0], sentence);
    assert.deepEqual(options.load, read("").load);
    assert.equal(options.enableThinking, null);
  });
}

test("threads that a page without isolation cannot have are answered with a sentence", () => {
  const { problems } = readPageOptions("?threads=4", SITE, SITE_URL, false);
  assert.match(problems.join(), /threads=4.*cannot apply.*COOP\/COEP/);
  assert.deepEqual(readPageOptions("?threads=1", SITE, SITE_URL, false).problems, []);
});

test("a site whose default is missing takes its first model", () => {
  const options = readPageOptions("", { ...SITE, default_model: "gone" }, SITE_URL, true);
  assert.equal(options.model.name, "other");
});

test("a site without models is a named error", () => {
  assert.throws(() => readPageOptions("", { default_model: "pico", models: [] }, SITE_URL, true), SiteError);
});
