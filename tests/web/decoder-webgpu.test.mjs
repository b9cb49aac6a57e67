// @ts-check
import assert from "node:assert/strict";
import { beforeEach, test } from "node:test";
import * as ort from "onnxruntime-common";
import { openWebGpuDevice, WebGpuDevice } from "../../web/decoder-webgpu.js";

Object.assign(globalThis, {
  GPUBufferUsage: { MAP_READ: 1, COPY_SRC: 4, COPY_DST: 8, STORAGE: 128 },
  GPUMapMode: { READ: 1 },
});
const VOCAB_SIZE = 6;
const K = 3;
const manifest = /** @type {any} */ ({
  model: {
    vocab_size: VOCAB_SIZE,
    num_hidden_layers: 1,
    num_key_value_heads: 1,
    head_dim: 2,
    max_position_embeddings: 64,
  },
});

/** A GPU of plain memory that can be lost, and counts its mappings. */
class FakeGpu extends EventTarget {
  limits = { maxStorageBufferBindingSize: 1e9, maxBufferSize: 1e9 };
  mappings = 0;
  destroyed = false;
  /** @type {(info: object) => void} */ lose = () => {};
  lost = new Promise((resolve) => {
    this.lose = resolve;
  });
  queue = { submit() {} };

  createBuffer(/** @type {{size: number}} */ { size }) {
    const bytes = new ArrayBuffer(size);
    return {
      size,
      bytes,
      mapAsync: async () => {
        this.mappings++;
      },
      getMappedRange: () => bytes,
      unmap() {},
      destroy() {},
    };
  }
  createCommandEncoder() {
    return {
      copyBufferToBuffer(
        /** @type {any} */ from,
        /** @type {number} */ start,
        /** @type {any} */ to,
        /** @type {number} */ at,
        /** @type {number} */ size,
      ) {
        new Uint8Array(to.bytes).set(new Uint8Array(from.bytes, start, size), at);
      },
      finish: () => ({}),
    };
  }
  pushErrorScope() {}
  async popErrorScope() {
    return null;
  }
  destroy() {
    this.destroyed = true;
  }
  reportError(/** @type {string} */ message) {
    this.dispatchEvent(Object.assign(new Event("uncapturederror"), { error: { message } }));
  }
}

/** A session that writes its answer where it was told to, as onnxruntime does. */
class FakeSession {
  /** @type {Array<{feeds: Record<string, any>, fetches: Record<string, any>}>} */ runs = [];
  released = false;
  /** @type {() => Promise<void>} */ before = async () => {};

  async run(/** @type {Record<string, any>} */ feeds, /** @type {Record<string, any>} */ fetches) {
    this.runs.push({ feeds: { ...feeds }, fetches });
    await this.before();
    new Float32Array(fetches.candidate_logits.gpuBuffer.bytes).set([3, 2, 1]);
    new BigInt64Array(fetches.candidate_ids.gpuBuffer.bytes).set([5n, 0n, 4n]);
    new Float32Array(fetches.logits.gpuBuffer.bytes).set([2, 0, 0, 0, 1, 3]);
  }
  async release() {
    this.released = true;
  }
}

let gpu = new FakeGpu();
let session = new FakeSession();
/** @type {WebGpuDevice} */
let device;
beforeEach(() => {
  gpu = new FakeGpu();
  session = new FakeSession();
  const entry = /** @type {any} */ ({ candidates: K, key_value_dtype: "float32" });
  device = new WebGpuDevice(
    ort,
    /** @type {any} */ (session),
    /** @type {any} */ (gpu),
    manifest,
    entry,
    2048,
  );
});

test("a step reads K logits and K ids back in one mapping", async () => {
  const { candidates, readBackBytes } = await device.run([1, 2], 0);
  assert.deepEqual([...candidates], [3, 2, 1, 5, 0, 4]);
  assert.equal(gpu.mappings, 1);
  assert.equal(readBackBytes, 16 + 3 * 8); // three floats, padded so that ids are aligned
});

test("past and present are the same tensor, on every step", async () => {
  await device.run([1, 2], 0);
  await device.run([3], 2);
  const [first, second] = session.runs;
  for (const part of ["key", "value"]) {
    const tensor = first.feeds[`past_key_values.0.${part}`];
    assert.equal(first.fetches[`present.0.${part}`], tensor);
    assert.equal(second.feeds[`past_key_values.0.${part}`], tensor);
  }
  assert.equal(second.feeds.total_sequence_length.data[0], 3);
});

test("outputs have buffers of their own, so a run allocates none", async () => {
  await device.run([1], 0);
  await device.run([2], 1);
  const [first, second] = session.runs.map(({ fetches }) => fetches);
  for (const name of ["candidate_logits", "candidate_ids", "logits"]) assert.equal(first[name], second[name]);
});

test("all logits are copied only when they are asked for", async () => {
  await device.run([1], 0);
  assert.equal(gpu.mappings, 1);
  assert.deepEqual([...(await device.logits())], [2, 0, 0, 0, 1, 3]);
  assert.equal(gpu.mappings, 2);
});

test("a lost GPU ends a run that would never settle, by name and reason", async () => {
  session.before = () => new Promise(() => {});
  const run = device.run([1], 0);
  setTimeout(() => gpu.lose({ reason: "unknown", message: "driver reset" }), 1);
  await assert.rejects(run, { name: "DeviceLostError", message: /lost \(unknown\): driver reset/ });
});

test("a failure that a lost GPU causes is called by its cause", async () => {
  session.before = async () => {
    setTimeout(() => gpu.lose({ reason: "unknown", message: "" }), 5);
    throw new Error("mapAsync failed");
  };
  await assert.rejects(device.run([1], 0), { name: "DeviceLostError" });
  await assert.rejects(device.run([1], 0), { name: "DeviceLostError" });
});

test("a loss is told also when nothing runs", async () => {
  gpu.lose({ reason: "unknown", message: "driver reset" });
  assert.match((await device.lost).message, /driver reset/);
});

test("a GPU that is given back is not lost", async () => {
  await device.close();
  gpu.lose({ reason: "destroyed", message: "" });
  const nothing = new Promise((resolve) => setTimeout(resolve, 5, "nothing"));
  assert.equal(await Promise.race([device.lost, nothing]), "nothing");
});

test("WebAssembly that breaks down in a run is a loss", async () => {
  session.before = () => Promise.reject(new WebAssembly.RuntimeError("unreachable"));
  await assert.rejects(device.run([1], 0), {
    name: "DeviceLostError",
    message: /broke down on tokens 0 to 0/,
  });
  await assert.rejects(device.run([1], 0), { name: "DeviceLostError" });
});

test("a failure of onnxruntime names the tokens and keeps its words", async () => {
  session.before = () => Promise.reject(new Error("bad shape"));
  await assert.rejects(device.run([1, 2], 0), {
    name: "BackendError",
    message: /failed on tokens 0 to 1: Error: bad shape/,
  });
});

test("after an error that the GPU only reported, no run gives tokens", async () => {
  await device.run([1], 0);
  gpu.reportError("dispatch is too large");
  for (let attempt = 0; attempt < 2; attempt++) {
    await assert.rejects(device.run([2], 1), {
      name: "DeviceLostError",
      message: /refused a command: dispatch is too large.*WASM in the Settings/,
    });
  }
  assert.equal(session.runs.length, 1);
});

test("an error that the GPU reports during a run ends that run", async () => {
  session.before = async () => gpu.reportError("invalid bind group");
  await assert.rejects(device.run([1], 0), { name: "DeviceLostError", message: /invalid bind group/ });
});

/**
 * Opens a device on the fake GPU.
 * @param {() => Promise<any>} create  of onnxruntime's sessions
 */
function open(create) {
  const files = { graph: new Uint8Array(1), weights: new Uint8Array(1) };
  const adapter = {
    features: new Set(),
    limits: {},
    requestDevice: async () => Object.assign(gpu, { features: new Set() }),
  };
  const runtime = { ...ort, InferenceSession: { create } };
  const entry = /** @type {any} */ ({
    file: "g.onnx",
    candidates: K,
    key_value_dtype: "float32",
    required_features: [],
  });
  Object.defineProperty(globalThis, "navigator", {
    value: { gpu: { requestAdapter: async () => adapter } },
    configurable: true,
  });
  return openWebGpuDevice(/** @type {any} */ (runtime), manifest, entry, files, 2048);
}

test("a session on a GPU that refused the weights is not used", async () => {
  const create = async () => {
    gpu.reportError("out of memory");
    return session;
  };
  await assert.rejects(open(create), {
    name: "BackendError",
    message: /reported an error: out of memory/,
  });
  assert.ok(session.released && gpu.destroyed);
});

test("a GPU on which no session can be made is given back", async () => {
  const create = () => Promise.reject(new Error("no such kernel"));
  await assert.rejects(open(create), { name: "BackendError", message: /no such kernel/ });
  assert.ok(gpu.destroyed);
});

test("close gives session and device back", async () => {
  await device.run([1], 0);
  await device.close();
  assert.ok(session.released && gpu.destroyed);
});
