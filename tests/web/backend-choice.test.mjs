// @ts-check
import assert from "node:assert/strict";
import { test } from "node:test";
import { chooseBackends, explainChoice } from "../../web/backend-choice.js";

const entry = {
  file: "",
  bytes: 0,
  sha256: "",
  external_data: "weights.bin",
  candidates: 64,
  largest_binding_bytes: 1000,
  storage_buffers: 8,
};
/** @type {import("../../web/backend-choice.js").Graphs} */
const graphs = {
  "webgpu-f32": { ...entry, key_value_dtype: "float32", required_features: [] },
  "webgpu-f16": { ...entry, key_value_dtype: "float16", required_features: ["shader-f16"] },
  wasm: { ...entry, key_value_dtype: "float32", required_features: [] },
};

/** @param {{features?: string[], limits?: object, info?: object}} [facts] */
function gpu({ features = ["shader-f16"], limits = {}, info = {} } = {}) {
  const adapter = {
    features: new Set(features),
    limits: {
      maxStorageBufferBindingSize: 1000,
      maxBufferSize: 2000,
      maxStorageBuffersPerShaderStage: 8,
      ...limits,
    },
    info: { vendor: "acme", architecture: "gen-9", description: "", ...info },
  };
  return /** @type {GPU} */ (/** @type {unknown} */ ({ requestAdapter: async () => adapter }));
}
/**
 * What runs when the first candidate does.
 * @param {Parameters<typeof chooseBackends>} asked
 */
async function first(...asked) {
  const choice = await chooseBackends(...asked);
  const [candidate] = choice.candidates;
  return { ...candidate, reason: explainChoice(choice, candidate, []) };
}
const noAdapter = /** @type {GPU} */ (/** @type {unknown} */ ({ requestAdapter: async () => null }));

test("auto tries half precision, then single, then WASM", async () => {
  const { candidates, obstacles, adapter } = await chooseBackends("auto", graphs, gpu());
  assert.deepEqual(
    candidates.map(({ graph }) => graph),
    ["webgpu-f16", "webgpu-f32", "wasm"],
  );
  assert.deepEqual(obstacles, []);
  assert.deepEqual(adapter, {
    name: "acme gen-9",
    software: false,
    shaderF16: true,
    subgroups: false,
    largestBindingBytes: 1000,
    storageBuffers: 8,
  });
});

test("a candidate that took the place of another says what became of that", async () => {
  const choice = await chooseBackends("auto", graphs, gpu());
  const [, single, wasm] = choice.candidates;
  assert.equal(
    explainChoice(choice, single, ["webgpu-f16 failed (X: y)"]),
    "WebGPU runs in single precision, because webgpu-f16 failed (X: y).",
  );
  assert.equal(
    explainChoice(choice, wasm, ["webgpu-f16 failed (X: y)", "webgpu-f32 failed (X: z)"]),
    "WASM runs because webgpu-f16 failed (X: y) and webgpu-f32 failed (X: z).",
  );
});

test("nothing takes the place of a graph that was asked for, nor WASM that of WebGPU", async () => {
  const tried = async (/** @type {import("../../web/protocol.js").BackendPreference} */ preference) =>
    (await chooseBackends(preference, graphs, gpu())).candidates.map(({ graph }) => graph);
  assert.deepEqual(await tried("webgpu"), ["webgpu-f16", "webgpu-f32"]);
  assert.deepEqual(await tried("webgpu-f16"), ["webgpu-f16"]);
  assert.deepEqual(await tried("webgpu-f32"), ["webgpu-f32"]);
  assert.deepEqual(await tried("wasm"), ["wasm"]);
});

test("a graph that was asked for and cannot run is an error that says why", async () => {
  await assert.rejects(chooseBackends("webgpu-f16", graphs, gpu({ features: [] })), {
    name: "BackendUnavailableError",
    message: /webgpu-f16 was asked for, but on acme gen-9 webgpu-f16 needs the GPU feature shader-f16/,
  });
});

test("a browser that fails to name an adapter has none, and its words are said", async () => {
  const broken = /** @type {GPU} */ (
    /** @type {unknown} */ ({ requestAdapter: () => Promise.reject(new Error("blocklisted")) })
  );
  assert.match((await first("auto", graphs, broken)).reason, /fails to name an adapter.*blocklisted/);
});

test("auto takes half precision where the adapter has shader-f16", async () => {
  const { name, graph, adapter } = await first("auto", graphs, gpu());
  assert.deepEqual([name, graph, adapter], ["webgpu", "webgpu-f16", "acme gen-9"]);
});

test("auto takes single precision without shader-f16, and says so", async () => {
  const { graph, reason } = await first("auto", graphs, gpu({ features: [] }));
  assert.equal(graph, "webgpu-f32");
  assert.match(reason, /single precision.*shader-f16/);
});

test("auto takes WASM in a browser without WebGPU, and says so", async () => {
  const { name, graph, reason } = await first("auto", graphs, undefined);
  assert.deepEqual([name, graph], ["wasm", "wasm"]);
  assert.match(reason, /does not offer WebGPU/);
});

test("auto takes WASM when there is no adapter, and says so", async () => {
  assert.match((await first("auto", graphs, noAdapter)).reason, /no usable GPU/);
});

for (const info of [{ isFallbackAdapter: true }, { architecture: "swiftshader" }]) {
  test(`auto takes WASM over a software adapter (${JSON.stringify(info)}), and says so`, async () => {
    const { name, reason } = await first("auto", graphs, gpu({ info }));
    assert.equal(name, "wasm");
    assert.match(reason, /software/);
  });
}

test("a software adapter runs when WebGPU is asked for", async () => {
  const { name } = await first("webgpu", graphs, gpu({ info: { isFallbackAdapter: true } }));
  assert.equal(name, "webgpu");
});

test("an adapter with too small a binding is not chosen, and the sizes are said", async () => {
  const { name, reason } = await first("auto", graphs, gpu({ limits: { maxStorageBufferBindingSize: 999 } }));
  assert.equal(name, "wasm");
  assert.match(reason, /buffers of 1000 bytes.*allows 999/);
});

test("an adapter whose shaders take too few buffers is not chosen, and the numbers are said", async () => {
  const limits = { maxStorageBuffersPerShaderStage: 7 };
  const { name, reason } = await first("auto", graphs, gpu({ limits }));
  assert.equal(name, "wasm");
  assert.match(reason, /needs 8 storage buffers in one shader and this GPU allows 7/);
});

test("WebGPU that was asked for and is not there is an error, not WASM", async () => {
  await assert.rejects(chooseBackends("webgpu", graphs, noAdapter), {
    name: "BackendUnavailableError",
    message: /WebGPU was asked for, but WebGPU found no usable GPU/,
  });
});

test("WASM that was asked for runs although there is a GPU", async () => {
  const { name, reason } = await first("wasm", graphs, gpu());
  assert.deepEqual([name, reason], ["wasm", "WASM was asked for."]);
});

test("a bundle without a WASM graph is an error where WASM is needed", async () => {
  const { wasm: _, ...others } = graphs;
  await assert.rejects(chooseBackends("auto", others, undefined), { name: "BackendUnavailableError" });
});

test("auto does not take a WebGPU that is to be avoided, and says why; who asked for it gets it", async () => {
  const { name, reason } = await first("auto", graphs, gpu(), "it failed twice");
  assert.deepEqual([name, reason], ["wasm", "WASM runs because it failed twice."]);
  assert.equal((await first("webgpu", graphs, gpu(), "it failed twice")).name, "webgpu");
});
