// @ts-check
/** A backend chosen in the settings is kept for the tab, says what it does, and reaches whoever loads. */

import assert from "node:assert/strict";
import test from "node:test";
import {
  createBackendPreference,
  createMemoryPreference,
  parseMemory,
  runningSentence,
} from "../../web/backend-preference.js";
import { NO_FORMAT } from "../../web/response-format.js";
import { mountSettingsPanel } from "../../web/widgets/settings-panel.js";
import { installFakeDocument, makeRoot, visible } from "./fake-document.mjs";

installFakeDocument();
const KEY = "backend";

/** @param {string} [stored] */
function makeStorage(stored) {
  const items = new Map(stored === undefined ? [] : [[KEY, stored]]);
  const storage = {
    getItem: (/** @type {string} */ key) => items.get(key) ?? null,
    setItem: (/** @type {string} */ key, /** @type {string} */ value) => items.set(key, value),
  };
  return /** @type {any} */ (storage);
}

test("before a choice the address counts", () => {
  assert.equal(createBackendPreference("webgpu", makeStorage(), KEY).current(), "webgpu");
  assert.equal(createBackendPreference("webgpu", null, KEY).current(), "webgpu");
});

test("a choice outlives a reload of the same address", () => {
  const storage = makeStorage();
  createBackendPreference("auto", storage, KEY).choose("wasm");
  assert.equal(createBackendPreference("auto", storage, KEY).current(), "wasm");
});

test("an address that says something else than the one chosen on counts again", () => {
  const storage = makeStorage();
  createBackendPreference("auto", storage, KEY).choose("wasm");
  assert.equal(createBackendPreference("webgpu", storage, KEY).current(), "webgpu");
});

for (const stored of ["{", "null", '{"address":"auto","chosen":"cuda"}']) {
  test(`stored ${stored} is not a choice`, () => {
    assert.equal(createBackendPreference("auto", makeStorage(stored), KEY).current(), "auto");
  });
}

test("a full storage does not stop the choice", () => {
  const storage = makeStorage();
  storage.setItem = () => {
    throw new DOMException("full", "QuotaExceededError");
  };
  const preference = createBackendPreference("auto", storage, KEY);
  preference.choose("wasm");
  assert.equal(preference.current(), "wasm");
});

test("the settings say that a load runs, how it failed, and what runs", () => {
  const ready = /** @type {any} */ ({
    model: { name: "pico", contextSize: 4096 },
    backend: { graph: "wasm", reason: "WASM was asked for." },
    keyValues: { budgetBytes: 2 ** 30, bytesPerToken: 4096, maxPositions: 4096 },
  });
  assert.equal(runningSentence("loading", "webgpu", null), "The model is being loaded with “WebGPU”.");
  assert.match(runningSentence("failed", "webgpu", null), /“WebGPU” failed/);
  assert.equal(
    runningSentence("ready", "wasm", ready),
    "pico, 4,096 tokens of context in at most 16.8 MB, graph wasm. WASM was asked for.",
  );
});

test("the selector shows what was asked for, and a change of it is passed on", () => {
  const root = makeRoot("dialog");
  /** @type {string[]} */
  const chosen = [];
  /** @type {Array<number | null>} */
  const budgets = [];
  const panel = mountSettingsPanel(root, {
    onSampling: () => {},
    onBackend: (preference) => chosen.push(preference),
    onMemory: (budget) => budgets.push(budget),
    onSystem: () => {},
    onFormat: () => {},
    onSave: () => {},
    onOpen: () => {},
    onStoredModels: () => {},
  });
  panel.update({
    ready: null,
    phase: "loading",
    sampling: {},
    enableThinking: true,
    backend: "webgpu",
    memory: null,
    system: "",
    format: NO_FORMAT,
    formatProblem: "",
    canSave: false,
    canOpen: false,
  });
  const select = visible(root, "select").find((each) => each.getAttribute("id")?.includes("backend"));
  assert.ok(select);
  assert.deepEqual(
    visible(select, "option").map(({ textContent }) => textContent),
    ["Automatic", "WebGPU", "WebGPU f16", "WebGPU f32", "WASM"],
  );
  assert.equal(select.value, "webgpu");
  assert.deepEqual(chosen, [], "showing is not choosing");
  select.value = "wasm";
  select.dispatchEvent(new Event("change"));
  assert.deepEqual(chosen, ["wasm"]);

  const memory = visible(root, "input").find((input) => input.getAttribute("id")?.includes("memory"));
  assert.ok(memory);
  for (const typed of ["512", "lots", ""]) {
    memory.value = typed;
    memory.dispatchEvent(new Event("change"));
  }
  assert.deepEqual(budgets, [512_000_000, null], "what is no number is not passed on");
});

test("memory is typed in megabytes, remembered, and empty for the default", () => {
  assert.deepEqual(parseMemory(" 512 "), { budget: 512_000_000 });
  assert.deepEqual(parseMemory(""), { budget: null });
  for (const typed of ["0", "-1", "1.5", "much"])
    assert.match(parseMemory(typed).problem ?? "", /whole number/);
  const storage = makeStorage();
  createMemoryPreference(null, storage, KEY).choose(1e9);
  assert.equal(createMemoryPreference(null, storage, KEY).current(), 1e9);
  assert.equal(
    createMemoryPreference(2e9, storage, KEY).current(),
    2e9,
    "another address means another choice",
  );
  assert.equal(
    createMemoryPreference(null, makeStorage('{"address":null,"chosen":-5}'), KEY).current(),
    null,
  );
});
