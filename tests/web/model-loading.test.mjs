// @ts-check
/** What loading says on its way: the compile stage in bytes, and the threads with the backend. */

import assert from "node:assert/strict";
import { afterEach, test } from "node:test";
import * as onnxRuntime from "onnxruntime-common";
import { compile } from "../../web/candidate-loading.js";
import { withThreads } from "../../web/model-loading.js";
import { KNOWN_VERSION } from "../../web/wasm-heap.js";

// Node 20 lacks it: this one leaves the old buffer as empty as browsers' own does.
if (ArrayBuffer.prototype.transfer === undefined) {
  Object.defineProperty(ArrayBuffer.prototype, "transfer", {
    value() {
      return structuredClone(this, { transfer: [this] });
    },
  });
}

afterEach(() => {
  Reflect.deleteProperty(globalThis, "crossOriginIsolated");
});

test("the compile stage counts expanded bytes and ends only when the session exists", async () => {
  /** @type {Array<[number, number]>} */
  const steps = [];
  let stepsAtSession = 0;
  /** @type {string[]} */
  let mounted = [];
  const mjs = new URL("../../web/onnxruntime-factory.js", import.meta.url);
  mjs.searchParams.set("loader", new URL("./fake-module.mjs", import.meta.url).href);
  const create = async () => {
    assert.equal(files.weights.byteLength, 36);
    stepsAtSession = steps.length;
    const { default: makeModule } = await import(mjs.href);
    const module = await makeModule({});
    await module._OrtCreateSession(0, 0, 0);
    mounted = [...module.mounted.keys()];
    return { release: async () => {} };
  };
  const env = { versions: { web: KNOWN_VERSION }, wasm: { wasmPaths: { mjs: mjs.href } } };
  const ort = /** @type {any} */ ({ ...onnxRuntime, env, InferenceSession: { create } });
  const format = { bits: 4, block_size: 32 };
  const tensor = { name: "w", rows: 2, columns: 32, ...format, codes_offset: 0, scales_offset: 32 };
  const expanded = {
    external_data: "expanded.bin",
    bytes: 72,
    tensors: [{ ...tensor, weight_offset: 0, weight_scales_offset: 64 }],
  };
  const manifest = {
    graphs: { wasm: { file: "wasm.onnx", external_data: "weights.bin", candidates: 2, expanded } },
    model: { vocab_size: 8, num_hidden_layers: 1, num_key_value_heads: 1, head_dim: 2 },
  };
  const files = /** @type {any} */ ({ graph: new Uint8Array(1), weights: new Uint8Array(36) });
  const description = {
    name: /** @type {const} */ ("wasm"),
    graph: /** @type {const} */ ("wasm"),
  };
  await compile(ort, /** @type {any} */ ({ manifest }), description, files, 64, (...step) =>
    steps.push(step),
  );
  assert.deepEqual(steps, [
    [0, 73],
    [64, 73],
    [72, 73],
    [73, 73],
  ]);
  assert.equal(stepsAtSession, 3);
  assert.deepEqual(mounted, ["expanded.bin"]);
  assert.equal(files.weights.byteLength, 0);
});

/** @param {"wasm" | "webgpu"} name @param {number} [threads] */
function reasonOn(name, threads) {
  return withThreads("Because.", name, threads);
}

test("WASM's reason says its threads and why there are no more", () => {
  assert.equal(
    reasonOn("wasm", 4),
    "Because. It runs on 1 thread, although 4 were asked for, because this host does not isolate the page (COOP/COEP).",
  );
});

test("threads asked for on WebGPU are said to have no effect", () => {
  assert.equal(reasonOn("webgpu"), "Because.");
  assert.equal(reasonOn("webgpu", 4), "Because. “threads” counts for WASM only.");
});
