// @ts-check
/**
 * Counts what WebGPU really does: dispatches by kernel name, what they bind, and bytes of buffers mapped for reading.
 *
 * Wraps the WebGPU prototypes, so it sees onnxruntime-web's calls without its help. Installed before the first device
 * exists and only when `load` asks for it: the bench and the browser tests do, a chat does not pay for it.
 *
 * @module
 */

/**
 * @typedef {object} WebGpuCounters
 * @property {Record<string, number>} dispatches  by kernel name
 * @property {Record<string, number>} storageBuffers  the most that one dispatch of the kernel bound
 * @property {Record<string, number>} largestBindings  bytes of the largest storage buffer that the kernel bound
 * @property {number} mappedBytes
 */

/** @typedef {{read: () => WebGpuCounters, reset: () => void}} Instrument */

/** GPUBufferUsage.STORAGE, which does not exist where there is no WebGPU. */
const STORAGE = 0x80;
const UNNAMED = "unnamed";

/** Prototypes stay wrapped: each further load would put one more layer of counting around every call. @type {WeakMap<object, Instrument>} */
const installed = new WeakMap();

/**
 * @param {typeof globalThis} [scope]  where the WebGPU classes are
 * @returns {Instrument} the same one for the same scope
 */
export function installInstrument(scope = globalThis) {
  const existing = installed.get(scope);
  if (existing) return existing;
  const instrument = makeInstrument(scope);
  installed.set(scope, instrument);
  return instrument;
}

/**
 * @param {typeof globalThis} scope
 * @returns {Instrument}
 */
function makeInstrument(scope) {
  const counts = new KernelCounts();
  let mappedBytes = 0;
  if ("GPUDevice" in scope) {
    const { GPUDevice, GPUComputePassEncoder, GPUBuffer } = scope;
    countDispatches(GPUComputePassEncoder, nameKernels(GPUDevice), measureBindGroups(GPUDevice), counts);
    wrap(GPUBuffer.prototype, "mapAsync", function (call, mode, offset, size) {
      if (mode & 1) mappedBytes += size ?? this.size - (offset ?? 0);
      return call();
    });
  }
  return {
    read: () => ({ ...counts.read(), mappedBytes }),
    reset: () => {
      counts.clear();
      mappedBytes = 0;
    },
  };
}

class KernelCounts {
  /** @type {Map<string, number>} */ #dispatches = new Map();
  /** @type {Map<string, number>} */ #storageBuffers = new Map();
  /** @type {Map<string, number>} */ #largestBindings = new Map();

  /**
   * @param {string} name
   * @param {number[]} bytes  of each storage buffer that the dispatch binds
   */
  count(name, bytes) {
    this.#dispatches.set(name, (this.#dispatches.get(name) ?? 0) + 1);
    this.#storageBuffers.set(name, Math.max(this.#storageBuffers.get(name) ?? 0, bytes.length));
    this.#largestBindings.set(name, Math.max(this.#largestBindings.get(name) ?? 0, ...bytes));
  }

  read() {
    return {
      dispatches: sorted(this.#dispatches),
      storageBuffers: sorted(this.#storageBuffers),
      largestBindings: sorted(this.#largestBindings),
    };
  }

  clear() {
    for (const map of [this.#dispatches, this.#storageBuffers, this.#largestBindings]) map.clear();
  }
}

/**
 * @param {typeof GPUDevice} device
 * @returns {WeakMap<object, string>} each pipeline's kernel name, and each module's
 */
function nameKernels({ prototype }) {
  /** @type {WeakMap<object, string>} */
  const names = new WeakMap();
  const nameOf = (/** @type {GPUComputePipelineDescriptor} */ { compute, label }) =>
    label ? kernelName(label, "") : (names.get(compute.module) ?? UNNAMED);
  wrap(prototype, "createShaderModule", (call, descriptor) => {
    const module = call();
    names.set(module, kernelName(descriptor.label, descriptor.code));
    return module;
  });
  wrap(prototype, "createComputePipeline", (call, descriptor) => {
    const pipeline = call();
    names.set(pipeline, nameOf(descriptor));
    return pipeline;
  });
  wrap(prototype, "createComputePipelineAsync", async (call, descriptor) => {
    const pipeline = await call();
    names.set(pipeline, nameOf(descriptor));
    return pipeline;
  });
  return names;
}

/**
 * @param {typeof GPUDevice} device
 * @returns {WeakMap<object, number[]>} bytes of each storage buffer in a bind group
 */
function measureBindGroups({ prototype }) {
  /** @type {WeakMap<object, number[]>} */
  const groups = new WeakMap();
  wrap(prototype, "createBindGroup", (call, { entries }) => {
    const group = call();
    const bytes = [...entries].flatMap(({ resource }) => storageBytes(resource));
    groups.set(group, bytes);
    return group;
  });
  return groups;
}

/**
 * @param {typeof GPUComputePassEncoder} encoder
 * @param {WeakMap<object, string>} names  of pipelines
 * @param {WeakMap<object, number[]>} groups  bind groups' bytes
 * @param {KernelCounts} counts
 */
function countDispatches({ prototype }, names, groups, counts) {
  /** @type {WeakMap<object, string>} a pass's current kernel */
  const kernels = new WeakMap();
  /** @type {WeakMap<object, number[][]>} a pass's current bind groups, by index */
  const bound = new WeakMap();
  wrap(prototype, "setPipeline", function (call, pipeline) {
    kernels.set(this, names.get(pipeline) ?? UNNAMED);
    return call();
  });
  wrap(prototype, "setBindGroup", function (call, index, group) {
    const current = bound.get(this) ?? [];
    current[index] = (group && groups.get(group)) ?? [];
    bound.set(this, current);
    return call();
  });
  const count = (/** @type {object} */ pass) =>
    counts.count(kernels.get(pass) ?? UNNAMED, (bound.get(pass) ?? []).flat());
  wrap(prototype, "dispatchWorkgroups", function (call) {
    count(this);
    return call();
  });
  wrap(prototype, "dispatchWorkgroupsIndirect", function (call) {
    count(this);
    return call();
  });
}

/**
 * @template {object} Prototype
 * @template {keyof Prototype} Name
 * @param {Prototype} prototype
 * @param {Name} name
 * @param {Prototype[Name] extends (...args: infer Args) => infer Result
 *   ? (this: Prototype, call: () => Result, ...args: Args) => Result : never} around
 */
function wrap(prototype, name, around) {
  const original = /** @type {any} */ (prototype[name]);
  /** @type {any} */ (prototype)[name] = /** @this {Prototype} @param {any[]} args */ function (...args) {
    return /** @type {any} */ (around).call(this, () => original.apply(this, args), ...args);
  };
}

/**
 * @param {GPUBindingResource} resource
 * @returns {number[]} the bytes that it binds, when it is a storage buffer
 */
function storageBytes(resource) {
  const { buffer, offset = 0, size } = "buffer" in resource ? resource : { buffer: resource };
  if (!("usage" in buffer && buffer.usage & STORAGE && "size" in buffer)) return [];
  return [size ?? buffer.size - offset];
}

/** @param {Map<string, number>} map */
function sorted(map) {
  return Object.fromEntries([...map].sort());
}

/**
 * @param {string | undefined} label
 * @param {string} code  WGSL
 */
function kernelName(label, code) {
  if (label) return label;
  const entry = /@compute[\s\S]*?\bfn\s+(\w+)/.exec(code);
  return entry?.[1] ?? UNNAMED;
}
