// @ts-check
/**
 * Opens the GPU device that onnxruntime-web computes on, with every limit the adapter has, the features that the graph
 * requires, and subgroups.
 *
 * onnxruntime-web would open one itself, with every feature. Subgroups it cannot use everywhere: its FlashAttention assumes subgroups of at least 8 lanes and computes wrong attention, without an error, where they are
 * narrower (software adapters). There the device is opened without subgroups.
 *
 * @module
 */

import { BackendUnavailableError } from "./errors.js";

const NARROWEST_SUBGROUP = 8;
// A GPU process that hangs leaves its promises open for ever.
const SILENT_AFTER_MS = 20_000;
const SUBGROUPS = /** @type {GPUFeatureName} */ ("subgroups");
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
 * @param {string[]} features  that the graph requires; no others, for a device may be refused over them
 * @returns {Promise<GPUDevice>}
 */
export async function openGpuDevice(gpu, features) {
  const required = /** @type {GPUFeatureName[]} */ (features);
  const device = await requestDevice(gpu, [...required, SUBGROUPS]);
  if (!device.features.has(SUBGROUPS) || (await subgroupWidth(device)) >= NARROWEST_SUBGROUP) return device;
  device.destroy();
  return requestDevice(gpu, required);
}

/**
 * @template Answer
 * @param {Promise<Answer>} request  to the browser, for an adapter or a device
 * @returns {Promise<Answer>}
 * @throws {BackendUnavailableError} when nothing comes for a long time
 */
export async function answerOfGpu(request) {
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  let timer;
  /** @type {Promise<never>} */
  const silence = new Promise((_, reject) => {
    const problem = `the GPU did not answer for ${SILENT_AFTER_MS / 1000} s`;
    const remedy = "Reload the page, restart the browser, or choose WASM in the Settings.";
    const error = new BackendUnavailableError(problem, { expected: "an answer, if only a refusal", remedy });
    timer = setTimeout(() => reject(error), SILENT_AFTER_MS);
  });
  try {
    return await Promise.race([request, silence]);
  } finally {
    clearTimeout(timer);
  }
}

/**
 * @param {GPU} gpu
 * @param {GPUFeatureName[]} features  taken where the adapter has them
 */
async function requestDevice(gpu, features) {
  const adapter = await answerOfGpu(gpu.requestAdapter(ADAPTER_OPTIONS)); // an adapter gives one device only
  const remedy = "Reload the page, or choose WASM in the Settings.";
  if (adapter === null) {
    throw new BackendUnavailableError("the WebGPU adapter went away", { expected: "an adapter", remedy });
  }
  try {
    const request = adapter.requestDevice({
      label: "pagelm",
      requiredFeatures: features.filter((feature) => adapter.features.has(feature)),
      requiredLimits: Object.fromEntries(LIMITS.map((limit) => [limit, adapter.limits[limit]])),
    });
    return await answerOfGpu(request);
  } catch (cause) {
    if (cause instanceof BackendUnavailableError) throw cause;
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
