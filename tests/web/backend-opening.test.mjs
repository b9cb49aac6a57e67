// @ts-check
/** Candidates are tried in their order, and what became of each is told. */

import assert from "node:assert/strict";
import { test } from "node:test";
import { failureClause, openFirst } from "../../web/backend-opening.js";
import { BackendUnavailableError, DeviceMemoryError } from "../../web/errors.js";

/** @type {import("../../web/backend-choice.js").Candidate[]} */
const CANDIDATES = [
  { name: "webgpu", graph: "webgpu-f16" },
  { name: "webgpu", graph: "webgpu-f32" },
  { name: "wasm", graph: "wasm" },
];
const goesOn = new AbortController().signal;
const refused = new BackendUnavailableError("the GPU refuses a device", {
  expected: "one",
  remedy: "Reload.",
});

/**
 * Opens the graphs that are not named; notes all that are tried.
 * @param {Record<string, Error>} failures  by graph
 */
function opener(failures) {
  /** @type {string[]} */
  const tried = [];
  const open = async (/** @type {import("../../web/backend-choice.js").Candidate} */ { graph }) => {
    tried.push(graph);
    if (failures[graph]) throw failures[graph];
    return `opened ${graph}`;
  };
  return { open, tried };
}

test("the first candidate that runs is the last that is tried", async () => {
  const { open, tried } = opener({});
  const { candidate, opened, dropped } = await openFirst(CANDIDATES, open, goesOn);
  assert.deepEqual([candidate.graph, opened, dropped], ["webgpu-f16", "opened webgpu-f16", []]);
  assert.deepEqual(tried, ["webgpu-f16"]);
});

test("a candidate that fails is told with its error, and the next is tried", async () => {
  const { open } = opener({ "webgpu-f16": refused, "webgpu-f32": new Error("shader") });
  const { candidate, dropped } = await openFirst(CANDIDATES, open, goesOn);
  assert.equal(candidate.graph, "wasm");
  assert.deepEqual(
    dropped.map(({ graph, problem, error }) => [graph, problem, error.name, error.message]),
    [
      [
        "webgpu-f16",
        "the GPU refuses a device",
        "BackendUnavailableError",
        "the GPU refuses a device (expected one). Reload.",
      ],
      ["webgpu-f32", "shader", "Error", "shader"],
    ],
  );
  assert.equal(
    failureClause(dropped[0]),
    "webgpu-f16 failed (BackendUnavailableError: the GPU refuses a device)",
  );
});

test("a single candidate's error stays its own", async () => {
  await assert.rejects(openFirst(CANDIDATES.slice(2), opener({ wasm: refused }).open, goesOn), refused);
});

test("when none runs, each is named and the last one's remedy is given", async () => {
  const full = new DeviceMemoryError("no room", { expected: "room", remedy: "Close other tabs." });
  const { open } = opener({ "webgpu-f16": refused, "webgpu-f32": refused, wasm: full });
  await assert.rejects(openFirst(CANDIDATES, open, goesOn), {
    name: "BackendUnavailableError",
    message:
      /no backend runs here: webgpu-f16 failed .*; webgpu-f32 failed .*; wasm failed \(DeviceMemoryError: no room\).*Close other tabs\./,
    cause: full,
  });
});

test("a load that was stopped tries no other candidate", async () => {
  const stop = new AbortController();
  const { open, tried } = opener({ "webgpu-f16": refused });
  const opening = openFirst(
    CANDIDATES,
    (candidate) => {
      stop.abort(new Error("stopped"));
      return open(candidate);
    },
    stop.signal,
  );
  await assert.rejects(opening, /stopped/);
  assert.deepEqual(tried, ["webgpu-f16"]);
});
