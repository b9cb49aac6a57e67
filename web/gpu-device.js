// @ts-check
/**
 * Opens the GPU device that onnxruntime-web computes on, with every limit the adapter has.
 *
 * onnxruntime-web would open one itself, with every feature too. One of them it cannot use everywhere: its
 * FlashAttention assumes subgroups of at least 8 lanes and computes wrong attention, without an error, where they are
 * narrower (software adapters). There the device is opened without subgroups.
 *
 * @module
 */

import { BackendUnavailableError } from "./errors.js";

const NARROWEST_SUBGROUP = 8;
const FEATURES = /** @type {GPUFeatureName[]} */ (["shader-f16", "subgroups"]);
const LIMITS = /** @type {const} */ ([
  "maxBufferSize",
  "maxStorageBufferBindingSize",
  "maxStorageBuffersPerShaderStage",
  "maxComputeWorkgroupStorageSize",
  "maxComputeInvocationsPerWorkgroup",
  "maxComputeWorkgroupSizeX",
  "maxComputeWorkgroupSizeY",
  "maxComputeWorkgroupSizeZ",
  "maxComputeWorkgroupsPerDimension",
  "maxUniformBufferBindingSize",
]);

/** Of two GPUs, the one to compute on. @type {GPURequestAdapterOptions} */
export const ADAPTER_OPTIONS = { powerPreference: "high-performance" };

/**
 * @param {GPU} gpu
 * @returns {Promise<GPUDevice>}
 */
export async function openGpuDevice(gpu) {
  const device = await requestDevice(gpu, FEATURES);
  if (!device.features.has("subgroups") || (await subgroupWidth(device)) >= NARROWEST_SUBGROUP) return device;
  device.destroy();
  return requestDevice(
    gpu,
    FEATURES.filter((feature) => feature !== "subgroups"),
  );
}

/**
 * @param {GPU} gpu
 * @param {GPUFeatureName[]} features  taken where the adapter has them
 */
async function requestDevice(gpu, features) {
  const adapter = await gpu.requestAdapter(ADAPTER_OPTIONS); // an adapter gives one device only
  const remedy = "Reload the page, or choose WASM in the Settings.";
  if (adapter === null) {
    throw new BackendUnavailableError("the WebGPU adapter went away", { expected: "an adapter", remedy });
  }
  try {
    return await adapter.requestDevice({
      label: "pagelm",
      requiredFeatures: features.filter((feature) => adapter.features.has(feature)),
      requiredLimits: Object.fromEntries(LIMITS.map((limit) => [limit, adapter.limits[limit]])),
    });
  } catch (cause) {
    throw new BackendUnavailableError(`the GPU refuses a device: ${cause}`, {
      expected: "a device",
      remedy,
      cause,
    });
  }
}

/**
 * How many lanes a subgroup really has here: what the adapter reports is only the range that the driver may choose from.
 *
 * @param {GPUDevice} device  with the feature `subgroups`
 */
async function subgroupWidth(device) {
  const code = `
    enable subgroups;
    @group(0) @binding(0) var<storage, read_write> width: u32;
    @compute @workgroup_size(64) fn main(@builtin(subgroup_size) size: u32) { width = size; }`;
  const module = device.createShaderModule({ label: "subgroup width", code });
  const pipeline = await device.createComputePipelineAsync({ layout: "auto", compute: { module } });
  const width = device.createBuffer({ size: 4, usage: GPUBufferUsage.STORAGE | GPUBufferUsage.COPY_SRC });
  const staging = device.createBuffer({ size: 4, usage: GPUBufferUsage.MAP_READ | GPUBufferUsage.COPY_DST });
  const encoder = device.createCommandEncoder();
  const pass = encoder.beginComputePass();
  pass.setPipeline(pipeline);
  pass.setBindGroup(
    0,
    device.createBindGroup({
      layout: pipeline.getBindGroupLayout(0),
      entries: [{ binding: 0, resource: { buffer: width } }],
    }),
  );
  pass.dispatchWorkgroups(1);
  pass.end();
  encoder.copyBufferToBuffer(width, 0, staging, 0, 4);
  device.queue.submit([encoder.finish()]);
  await staging.mapAsync(GPUMapMode.READ);
  const [lanes] = new Uint32Array(staging.getMappedRange());
  staging.destroy();
  width.destroy();
  return lanes;
}
