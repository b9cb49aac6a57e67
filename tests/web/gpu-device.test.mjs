// @ts-check
import assert from "node:assert/strict";
import { test } from "node:test";
import { openGpuDevice } from "../../web/gpu-device.js";

Object.assign(globalThis, {
  GPUBufferUsage: { MAP_READ: 1, COPY_SRC: 4, COPY_DST: 8, STORAGE: 128 },
  GPUMapMode: { READ: 1 },
});

/**
 * A GPU with these features whose subgroups have `lanes` lanes.
 * @param {string[]} features
 * @param {number} [lanes]
 */
function makeGpu(features, lanes = 0) {
  /** @type {any[]} */
  const devices = [];
  const makeDevice = (/** @type {any} */ { requiredFeatures, requiredLimits }) => ({
    features: new Set(requiredFeatures),
    limits: requiredLimits,
    destroyed: false,
    queue: { submit() {} },
    createShaderModule: () => ({}),
    createComputePipelineAsync: async () => ({ getBindGroupLayout: () => ({}) }),
    createBindGroup: () => ({}),
    createBuffer: () => ({
      mapAsync: async () => {},
      getMappedRange: () => Uint32Array.of(lanes).buffer,
      destroy() {},
    }),
    createCommandEncoder: () => ({
      beginComputePass: () => ({ setPipeline() {}, setBindGroup() {}, dispatchWorkgroups() {}, end() {} }),
      copyBufferToBuffer() {},
      finish: () => ({}),
    }),
    destroy() {
      this.destroyed = true;
    },
  });
  const adapter = {
    features: new Set(features),
    limits: { maxBufferSize: 4e9, maxStorageBufferBindingSize: 2e9, maxStorageBuffersPerShaderStage: 10 },
    requestDevice: async (/** @type {any} */ descriptor) => {
      const device = makeDevice(descriptor);
      devices.push(device);
      return device;
    },
  };
  return { gpu: /** @type {any} */ ({ requestAdapter: async () => adapter }), adapter, devices };
}

test("the device gets the adapter's limits, not WebGPU's defaults", async () => {
  const { gpu } = makeGpu([]);
  const { limits } = await openGpuDevice(gpu, ["shader-f16"]);
  assert.equal(limits.maxBufferSize, 4e9);
  assert.equal(limits.maxStorageBufferBindingSize, 2e9);
  assert.equal(limits.maxStorageBuffersPerShaderStage, 10);
});

test("only features that the adapter has are asked for", async () => {
  const { gpu } = makeGpu(["shader-f16", "depth-clip-control"]);
  assert.deepEqual([...(await openGpuDevice(gpu, ["shader-f16"])).features], ["shader-f16"]);
});

test("a feature that no graph requires is not asked for, so that nothing is refused over it", async () => {
  const { gpu } = makeGpu(["shader-f16"]);
  assert.deepEqual([...(await openGpuDevice(gpu, [])).features], []);
});

test("subgroups of 32 lanes are used", async () => {
  const { gpu, devices } = makeGpu(["subgroups"], 32);
  assert.ok((await openGpuDevice(gpu, ["shader-f16"])).features.has("subgroups"));
  assert.equal(devices.length, 1);
});

test("subgroups of 4 lanes are not, and the device that measured them is given back", async () => {
  const { gpu, devices } = makeGpu(["shader-f16", "subgroups"], 4);
  const device = await openGpuDevice(gpu, ["shader-f16"]);
  assert.deepEqual([...device.features], ["shader-f16"]);
  assert.deepEqual(
    devices.map(({ destroyed }) => destroyed),
    [true, false],
  );
});

test("a refused device is named, with the browser's words", async () => {
  const { gpu, adapter } = makeGpu([]);
  adapter.requestDevice = () => Promise.reject(new Error("no more devices"));
  await assert.rejects(openGpuDevice(gpu, ["shader-f16"]), {
    name: "BackendUnavailableError",
    message: /no more devices/,
  });
});

test("a GPU that never answers is an error that says so", async (t) => {
  t.mock.timers.enable({ apis: ["setTimeout"] });
  const { gpu, adapter } = makeGpu([]);
  adapter.requestDevice = () => new Promise(() => {});
  const opening = assert.rejects(openGpuDevice(gpu, ["shader-f16"]), {
    name: "BackendUnavailableError",
    message: /did not answer for 20 s.*choose WASM/,
  });
  await new Promise((resolve) => setImmediate(resolve));
  t.mock.timers.tick(20_000);
  await opening;
});
