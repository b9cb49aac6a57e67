// @ts-check
/**
 * Counts what WebGPU really does: dispatches by kernel name, and bytes of buffers mapped for reading.
 *
 * Wraps the WebGPU prototypes, so it sees onnxruntime-web's calls without its help. Installed before the first device
 * exists and only when `load` asks for it: the bench and the browser tests do, a chat does not pay for it.
 *
 * @module
 */

/** @typedef {{dispatches: Record<string, number>, mappedBytes: number}} WebGpuCounters */

/** @typedef {{read: () => WebGpuCounters, reset: () => void}} Instrument */

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
  /** @type {Map<string, number>} */
  const dispatches = new Map();
  let mappedBytes = 0;
  /** @type {WeakMap<object, string>} a module's or pipeline's kernel name */
  const names = new WeakMap();
  /** @type {WeakMap<object, string>} a pass's current kernel */
  const current = new WeakMap();

  if ("GPUDevice" in scope) {
    const { GPUDevice, GPUComputePassEncoder, GPUBuffer } = scope;
    wrap(GPUDevice.prototype, "createShaderModule", (call, descriptor) => {
      const module = call();
      names.set(module, kernelName(descriptor.label, descriptor.code));
      return module;
    });
    const nameOf = (/** @type {GPUComputePipelineDescriptor} */ { compute, label }) =>
      label ? kernelName(label, "") : (names.get(compute.module) ?? "unnamed");
    wrap(GPUDevice.prototype, "createComputePipeline", (call, descriptor) => {
      const pipeline = call();
      names.set(pipeline, nameOf(descriptor));
      return pipeline;
    });
    wrap(GPUDevice.prototype, "createComputePipelineAsync", async (call, descriptor) => {
      const pipeline = await call();
      names.set(pipeline, nameOf(descriptor));
      return pipeline;
    });
    wrap(GPUComputePassEncoder.prototype, "setPipeline", function (call, pipeline) {
      current.set(this, names.get(pipeline) ?? "unnamed");
      return call();
    });
    const count = (/** @type {object} */ pass) => {
      const name = current.get(pass) ?? "unnamed";
      dispatches.set(name, (dispatches.get(name) ?? 0) + 1);
    };
    wrap(GPUComputePassEncoder.prototype, "dispatchWorkgroups", function (call) {
      count(this);
      return call();
    });
    wrap(GPUComputePassEncoder.prototype, "dispatchWorkgroupsIndirect", function (call) {
      count(this);
      return call();
    });
    wrap(GPUBuffer.prototype, "mapAsync", function (call, mode, offset, size) {
      if (mode & 1) mappedBytes += size ?? this.size - (offset ?? 0);
      return call();
    });
  }

  return {
    read: () => ({ dispatches: Object.fromEntries([...dispatches].sort()), mappedBytes }),
    reset: () => {
      dispatches.clear();
      mappedBytes = 0;
    },
  };
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
 * @param {string | undefined} label
 * @param {string} code  WGSL
 */
function kernelName(label, code) {
  if (label) return label;
  const entry = /@compute[\s\S]*?\bfn\s+(\w+)/.exec(code);
  return entry?.[1] ?? "unnamed";
}
