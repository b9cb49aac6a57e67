// @ts-check
import assert from "node:assert/strict";
import { test } from "node:test";
import { installInstrument } from "../../web/instrument.js";

const NOTHING = { dispatches: {}, storageBuffers: {}, largestBindings: {}, mappedBytes: 0 };

/** A scope with just enough of WebGPU to be wrapped. */
function makeScope() {
  class GPUDevice {
    createShaderModule(/** @type {object} */ _descriptor) {
      return {};
    }
    createComputePipeline(/** @type {object} */ _descriptor) {
      return {};
    }
    async createComputePipelineAsync(/** @type {object} */ _descriptor) {
      return {};
    }
    createBindGroup(/** @type {object} */ _descriptor) {
      return {};
    }
  }
  class GPUComputePassEncoder {
    /** @type {number[]} */ dispatched = [];
    setPipeline(/** @type {object} */ _pipeline) {}
    setBindGroup(/** @type {number} */ _index, /** @type {object | null} */ _group) {}
    dispatchWorkgroups(/** @type {number} */ x) {
      this.dispatched.push(x);
    }
    dispatchWorkgroupsIndirect() {}
  }
  class GPUBuffer {
    size = 100;
    async mapAsync(/** @type {number} */ _mode, /** @type {number} */ _offset, /** @type {number} */ _size) {}
  }
  return { GPUDevice, GPUComputePassEncoder, GPUBuffer };
}

function install() {
  const scope = makeScope();
  const counters = installInstrument(/** @type {any} */ (scope));
  return { counters, device: new scope.GPUDevice(), pass: new scope.GPUComputePassEncoder(), scope };
}

test("dispatches are counted by the label of the kernel's module", () => {
  const { counters, device, pass } = install();
  for (const label of ["MatMulNBits", "TopK"]) {
    const module = device.createShaderModule({ label, code: "" });
    pass.setPipeline(device.createComputePipeline({ compute: { module } }));
    pass.dispatchWorkgroups(3);
  }
  pass.dispatchWorkgroups(4);
  assert.deepEqual(counters.read().dispatches, { MatMulNBits: 1, TopK: 2 });
  assert.deepEqual(pass.dispatched, [3, 3, 4], "the real calls still happen");
});

test("a pipeline made in the background is named too, and an indirect dispatch counts", async () => {
  const { counters, device, pass } = install();
  const module = device.createShaderModule({ label: "Gather", code: "" });
  pass.setPipeline(await device.createComputePipelineAsync({ compute: { module } }));
  pass.dispatchWorkgroupsIndirect();
  assert.deepEqual(counters.read().dispatches, { Gather: 1 });
});

test("a module without a label is named by its entry point", () => {
  const { counters, device, pass } = install();
  const module = device.createShaderModule({
    code: "fn f() {}\n@compute @workgroup_size(64)\nfn softmax() {}",
  });
  pass.setPipeline(device.createComputePipeline({ compute: { module } }));
  pass.dispatchWorkgroups(1);
  assert.deepEqual(counters.read().dispatches, { softmax: 1 });
});

/** @param {number[]} sizes */
function storageEntries(...sizes) {
  return sizes.map((size, binding) => ({ binding, resource: { buffer: { usage: 0x80, size } } }));
}

test("storage buffers are counted by what a dispatch binds, and the largest is kept by kernel", () => {
  const { counters, device, pass } = install();
  const uniform = { binding: 9, resource: { buffer: { usage: 0x40, size: 5000 } } };
  const run = (/** @type {string} */ label, /** @type {object[]} */ entries) => {
    const module = device.createShaderModule({ label, code: "" });
    pass.setPipeline(device.createComputePipeline({ compute: { module } }));
    pass.setBindGroup(0, device.createBindGroup({ entries }));
    pass.dispatchWorkgroups(1);
  };
  run("MatMulNBits", [...storageEntries(64, 4096, 16), uniform]);
  run("MatMulNBits", storageEntries(32));
  run("TopK", [{ binding: 0, resource: { buffer: { usage: 0x8c, size: 100 }, offset: 60 } }]);
  const { storageBuffers, largestBindings } = counters.read();
  assert.deepEqual(storageBuffers, { MatMulNBits: 3, TopK: 1 });
  assert.deepEqual(largestBindings, { MatMulNBits: 4096, TopK: 40 });
});

test("bind groups of several indices count together, and one that is taken away does not", () => {
  const { counters, device, pass } = install();
  pass.setBindGroup(0, device.createBindGroup({ entries: storageEntries(1, 2) }));
  pass.setBindGroup(1, device.createBindGroup({ entries: storageEntries(3) }));
  pass.dispatchWorkgroups(1);
  assert.deepEqual(counters.read().storageBuffers, { unnamed: 3 });
  counters.reset();
  pass.setBindGroup(0, null);
  pass.dispatchWorkgroups(1);
  assert.deepEqual(counters.read().storageBuffers, { unnamed: 1 });
});

test("only mappings for reading count, by the bytes that are mapped", async () => {
  const { counters, scope } = install();
  const buffer = new scope.GPUBuffer();
  await buffer.mapAsync(1, 0, 40);
  await /** @type {any} */ (buffer).mapAsync(1, 30);
  await buffer.mapAsync(2, 0, 100);
  assert.equal(counters.read().mappedBytes, 40 + 70);
});

test("reset starts from zero", async () => {
  const { counters, pass, scope } = install();
  pass.dispatchWorkgroups(1);
  await new scope.GPUBuffer().mapAsync(1, 0, 1);
  counters.reset();
  assert.deepEqual(counters.read(), NOTHING);
});

test("where there is no WebGPU there is nothing to count", () => {
  assert.deepEqual(installInstrument(/** @type {any} */ ({})).read(), NOTHING);
});

test("installed twice, as by a second load, there is one set of counters and one layer around the calls", () => {
  const { counters, scope } = install();
  const wrapped = scope.GPUComputePassEncoder.prototype.dispatchWorkgroups;
  assert.equal(installInstrument(/** @type {any} */ (scope)), counters);
  assert.equal(scope.GPUComputePassEncoder.prototype.dispatchWorkgroups, wrapped);
});
