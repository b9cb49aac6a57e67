// @ts-check
/** What `ready` says about the choice of the backend, in words. */

import assert from "node:assert/strict";
import { test } from "node:test";
import { droppedSentence, newsOfLoad, runningFacts, slowSentence } from "../../web/running-facts.js";

const dropped = {
  graph: /** @type {const} */ ("webgpu-f32"),
  problem: "the GPU refuses a device",
  error: { name: "BackendUnavailableError", message: "the GPU refuses a device (expected one). Reload." },
};
/** @param {object} [backend] @param {object} [machine] @returns {any} */
const readyWith = (backend = {}, machine = {}) => ({
  backend: {
    graph: "wasm",
    dropped: [],
    check: { against: "certificate", tokens: 5, nearTies: 0 },
    decodeMs: 20,
    ...backend,
  },
  machine: { adapter: null, threads: 2, processors: 4, memoryGiB: 8, ...machine },
});
/** @param {any} ready @param {string} term */
const fact = (ready, term) => runningFacts(ready).find((each) => each.term === term)?.text;

test("a dropped backend is told with why, and with what runs", () => {
  assert.equal(droppedSentence(readyWith().backend), "");
  assert.equal(
    droppedSentence(readyWith({ dropped: [dropped] }).backend),
    "WebGPU in single precision was dropped: the GPU refuses a device. WASM runs instead. " +
      "The settings say more under “What runs”.",
  );
});

test("a problem that is told at length is cut in the notice", () => {
  const long = { ...dropped, problem: `${"word ".repeat(100)}\nand a second line` };
  const sentence = droppedSentence(readyWith({ dropped: [long] }).backend);
  assert.match(sentence, /^WebGPU in single precision was dropped: (word )+wor …\. WASM runs instead\./);
  assert.ok(sentence.length < 350);
});

test("the settings have the whole error of each dropped backend", () => {
  assert.deepEqual(runningFacts(readyWith({ dropped: [dropped] }))[0], {
    term: "WebGPU in single precision, dropped",
    text: "the GPU refuses a device (expected one). Reload. (BackendUnavailableError)",
  });
});

test("what was compared with what is said, and when nothing could be", () => {
  const against = (/** @type {object} */ check) => fact(readyWith({ check }), "First tokens");
  assert.equal(
    against({ against: "certificate", tokens: 5, nearTies: 0 }),
    "5 compared with the bundle's certificate: they agree.",
  );
  assert.equal(
    against({ against: "export", tokens: 5, nearTies: 1 }),
    "5 compared with what its export computed: they agree (1 where the model is undecided).",
  );
  assert.match(against({ against: null, tokens: 0, nearTies: 0 }) ?? "", /names none/);
});

test("a slow GPU is told, and what may be faster; slow WASM has nothing faster", () => {
  const backendAt = (/** @type {string} */ name, /** @type {number} */ decodeMs) =>
    readyWith({ name, decodeMs }).backend;
  assert.equal(
    slowSentence(backendAt("webgpu", 1200)),
    "WebGPU takes 1.2 s for a token here: WASM may be faster, and can be chosen in the settings.",
  );
  assert.equal(slowSentence(backendAt("webgpu", 250)), "");
  assert.equal(slowSentence(backendAt("wasm", 1200)), "");
  assert.match(
    fact(readyWith({ name: "webgpu", decodeMs: 1200 }), "Speed") ?? "",
    /^0\.8 tokens\/s.*WASM may/,
  );
});

test("a clock that is too coarse for a token is said", () => {
  assert.match(
    fact(readyWith({ decodeMs: 0 }), "Speed") ?? "",
    /^A token in less than .* clock shows, measured/,
  );
});

test("speed, adapter and machine are said", () => {
  const adapter = {
    name: "acme gen-9",
    software: false,
    shaderF16: true,
    subgroups: false,
    largestBindingBytes: 2_000_000_000,
    storageBuffers: 10,
  };
  const ready = readyWith({}, { adapter });
  assert.equal(fact(ready, "Speed"), "50 tokens/s, measured while loading, on a short conversation.");
  assert.equal(
    fact(ready, "Graphics"),
    "acme gen-9; half precision (shader-f16): yes; subgroups: no; a shader may bind 10 buffers of up to 2.0 GB",
  );
  assert.match(
    fact(readyWith({}, { adapter: { ...adapter, software: true } }), "Graphics") ?? "",
    /software/,
  );
  assert.match(fact(readyWith(), "Graphics") ?? "", /No adapter/);
  assert.equal(
    fact(ready, "Machine"),
    "4 processors; 2 threads for WASM; 8 GiB of memory, as the browser tells it.",
  );
  assert.match(fact(readyWith({}, { memoryGiB: null, threads: 1 }), "Machine") ?? "", /1 thread .*not told/);
});

test("a model that was lost and loaded again tells only what is new", () => {
  const store = { place: "memory", reason: "It is not kept." };
  const first = { ...readyWith({ name: "webgpu", graph: "webgpu-f32", decodeMs: 1200 }), store };
  const told = newsOfLoad(first, null, true);
  assert.deepEqual([told.length, told[1]], [2, "It is not kept."]);
  assert.deepEqual(newsOfLoad(first, first, true), []);
  const without = { ...readyWith({ dropped: [dropped] }), store };
  assert.deepEqual(newsOfLoad(without, first, true), [droppedSentence(without.backend)]);
  assert.deepEqual(newsOfLoad(first, null, false), ["It is not kept."]);
});
