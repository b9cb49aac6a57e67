// @ts-check
import assert from "node:assert/strict";
import { test } from "node:test";
import { chooseBackend } from "../../web/backend-choice.js";

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
const noAdapter = /** @type {GPU} */ (/** @type {unknown} */ ({ requestAdapter: async () => null }));

test("auto takes half precision where the adapter has shader-f16", async () => {
  const { name, graph, adapter } = await chooseBackend("auto", graphs, gpu());
  assert.deepEqual([name, graph, adapter], ["webgpu", "webgpu-f16", "acme gen-9"]);
});

test("auto takes single precision without shader-f16, and says so", async () => {
  const { graph, reason } = await chooseBackend("auto", graphs, gpu({ features: [] }));
  assert.equal(graph, "webgpu-f32");
  assert.match(reason, /single precision.*shader-f16/);
});

test("auto takes WASM in a browser without WebGPU, and says so", async () => {
  const { name, graph, reason } = await chooseBackend("auto", graphs, undefined);
  assert.deepEqual([name, graph], ["wasm", "wasm"]);
  assert.match(reason, /does not offer WebGPU/);
});

test("auto takes WASM when there is no adapter, and says so", async () => {
  assert.match((await chooseBackend("auto", graphs, noAdapter)).reason, /no usable GPU/);
});

for (const info of [{ isFallbackAdapter: true }, { architecture: "swiftshader" }]) {
  test(`auto takes WASM over a software adapter (${JSON.stringify(info)}), and says so`, async () => {
    const { name, reason } = await chooseBackend("auto", graphs, gpu({ info }));
    assert.equal(name, "wasm");
    assert.match(reason, /software/);
  });
}

test("a software adapter runs when WebGPU is asked for", async () => {
  const { name } = await chooseBackend("webgpu", graphs, gpu({ info: { isFallbackAdapter: true } }));
  assert.equal(name, "webgpu");
});

test("an adapter with too small a binding is not chosen, and the sizes are said", async () => {
  const { name, reason } = await chooseBackend(
    "auto",
    graphs,
    gpu({ limits: { maxStorageBufferBindingSize: 999 } }),
  );
  assert.equal(name, "wasm");
  assert.match(reason, /buffers of 1000 bytes.*allows 999/);
});

test("an adapter whose shaders take too few buffers is not chosen, and the numbers are said", async () => {
  const limits = { maxStorageBuffersPerShaderStage: 7 };
  const { name, reason } = await chooseBackend("auto", graphs, gpu({ limits }));
  assert.equal(name, "wasm");
  assert.match(reason, /needs 8 storage buffers in one shader and this GPU allows 7/);
});

test("WebGPU that was asked for and is not there is an error, not WASM", async () => {
  await assert.rejects(chooseBackend("webgpu", graphs, noAdapter), {
    name: "BackendUnavailableError",
    message: /WebGPU was asked for, but WebGPU found no usable GPU/,
  });
});

test("WASM that was asked for runs although there is a GPU", async () => {
  const { name, reason } = await chooseBackend("wasm", graphs, gpu());
  assert.deepEqual([name, reason], ["wasm", "WASM was asked for."]);
});

test("a bundle without a WASM graph is an error where WASM is needed", async () => {
  const { wasm: _, ...others } = graphs;
  await assert.rejects(chooseBackend("auto", others, undefined), { name: "BackendUnavailableError" });
});

test("auto does not take a WebGPU that is to be avoided, and says why; who asked for it gets it", async () => {
  const { name, reason } = await chooseBackend("auto", graphs, gpu(), "it failed twice");
  assert.deepEqual([name, reason], ["wasm", "WASM runs because it failed twice."]);
  assert.equal((await chooseBackend("webgpu", graphs, gpu(), "it failed twice")).name, "webgpu");
});
