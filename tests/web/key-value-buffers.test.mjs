// @ts-check
import assert from "node:assert/strict";
import { test } from "node:test";
import { KeyValueBuffers } from "../../web/key-value-buffers.js";

/** @type {any} */ (globalThis).GPUBufferUsage = { STORAGE: 1, COPY_SRC: 2, COPY_DST: 4 };
const model = /** @type {any} */ ({
  num_hidden_layers: 2,
  num_key_value_heads: 2,
  head_dim: 4,
  max_position_embeddings: 1500,
});
const ort = /** @type {any} */ ({
  Tensor: {
    fromGpuBuffer: (/** @type {any} */ gpuBuffer, /** @type {any} */ options) => ({ gpuBuffer, ...options }),
  },
});

/** A GPU of plain memory. @param {number} [room]  bytes */
function makeGpu(room = Number.POSITIVE_INFINITY) {
  const gpu = {
    alive: new Set(),
    limits: { maxStorageBufferBindingSize: 1e9, maxBufferSize: 1e9 },
    /** @type {Array<{filter: string, error: object | null}>} */
    scopes: [],
    /** @type {string | null} */
    invalid: null,
    fail(/** @type {string} */ filter, /** @type {string} */ message) {
      const scope = gpu.scopes.findLast((candidate) => candidate.filter === filter);
      assert.ok(scope, `no scope for ${filter}`);
      scope.error ??= { message };
    },
    createBuffer(/** @type {{size: number}} */ { size }) {
      const buffer = { size, bytes: new Uint8Array(size), destroy: () => gpu.alive.delete(buffer) };
      gpu.alive.add(buffer);
      const used = [...gpu.alive].reduce((sum, { size }) => sum + size, 0);
      if (used > room) gpu.fail("out-of-memory", "no memory");
      if (gpu.invalid) gpu.fail("validation", gpu.invalid);
      return buffer;
    },
    createCommandEncoder: () => ({
      copyBufferToBuffer(
        /** @type {any} */ from,
        /** @type {number} */ start,
        /** @type {any} */ to,
        /** @type {number} */ at,
        /** @type {number} */ size,
      ) {
        to.bytes.set(from.bytes.subarray(start, start + size), at);
      },
      finish: () => ({}),
    }),
    queue: { submit() {} },
    pushErrorScope(/** @type {string} */ filter) {
      gpu.scopes.push({ filter, error: null });
    },
    popErrorScope: async () => /** @type {any} */ (gpu.scopes.pop()).error,
  };
  return gpu;
}

test("the same tensor is past and present of each layer's keys and values", async () => {
  const buffers = new KeyValueBuffers(ort, /** @type {any} */ (makeGpu()), model, "float16", 2048);
  await buffers.reserve(1, 0);
  assert.deepEqual(Object.keys(buffers.past), [
    "past_key_values.0.key",
    "past_key_values.0.value",
    "past_key_values.1.key",
    "past_key_values.1.value",
  ]);
  for (const [name, tensor] of Object.entries(buffers.past)) {
    assert.equal(buffers.present[name.replace("past_key_values", "present")], tensor);
  }
  assert.deepEqual(buffers.past["past_key_values.1.key"].dims, [1, 2, 512, 4]);
});

test("room that is there is not made again", async () => {
  const gpu = makeGpu();
  const buffers = new KeyValueBuffers(ort, /** @type {any} */ (gpu), model, "float32", 2048);
  await buffers.reserve(10, 0);
  const before = { ...buffers.past };
  await buffers.reserve(512, 10);
  assert.deepEqual(Object.values(buffers.past), Object.values(before));
  assert.equal(gpu.alive.size, 4);
});

test("growing keeps the rows of every head and gives the old buffers back", async () => {
  const gpu = makeGpu();
  const buffers = new KeyValueBuffers(ort, /** @type {any} */ (gpu), model, "float32", 2048);
  await buffers.reserve(3, 0);
  const rowBytes = 16;
  const old = /** @type {any} */ (buffers.past["past_key_values.1.value"]).gpuBuffer;
  for (let head = 0; head < 2; head++) {
    for (let row = 0; row < 3; row++) {
      const start = (head * 512 + row) * rowBytes;
      old.bytes.fill(1 + head * 10 + row, start, start + rowBytes);
    }
  }
  await buffers.reserve(600, 3);
  assert.equal(buffers.capacity, 1024);
  assert.equal(gpu.alive.size, 4);
  const { bytes } = /** @type {any} */ (buffers.past["past_key_values.1.value"]).gpuBuffer;
  for (let head = 0; head < 2; head++) {
    for (let row = 0; row < 4; row++) {
      const start = (head * 1024 + row) * rowBytes;
      const expected = row < 3 ? 1 + head * 10 + row : 0;
      assert.deepEqual([...bytes.subarray(start, start + rowBytes)], Array(rowBytes).fill(expected));
    }
  }
});

test("a GPU without room says how much was wanted, and what was there stays", async () => {
  const perToken = 2 * 2 * 2 * 4 * 4;
  const gpu = makeGpu(512 * perToken);
  const buffers = new KeyValueBuffers(ort, /** @type {any} */ (gpu), model, "float32", 2048);
  await buffers.reserve(512, 0);
  await assert.rejects(buffers.reserve(513, 512), {
    name: "DeviceMemoryError",
    message: new RegExp(`no room for 1024 tokens.*expected ${1024 * perToken} bytes`),
  });
  assert.equal(buffers.capacity, 512);
  assert.equal(gpu.alive.size, 4);
});

for (const limit of /** @type {const} */ (["maxStorageBufferBindingSize", "maxBufferSize"])) {
  test(`a buffer above ${limit} is refused with both sizes before it is made`, async () => {
    const size = 1024 * 2 * 4 * 4;
    const gpu = makeGpu();
    gpu.limits[limit] = size - 1;
    const buffers = new KeyValueBuffers(ort, /** @type {any} */ (gpu), model, "float32", 2048);
    await buffers.reserve(512, 0);
    await assert.rejects(buffers.reserve(513, 512), {
      name: "DeviceMemoryError",
      message: new RegExp(`1024 tokens take ${size} bytes.*at most ${size - 1} bytes.*Settings`),
    });
    assert.equal(buffers.capacity, 512);
    gpu.limits[limit] = size;
    await buffers.reserve(513, 512);
    assert.equal(buffers.capacity, 1024);
  });
}

test("a buffer that the GPU finds invalid is an error, and no scope stays open", async () => {
  const gpu = makeGpu();
  gpu.invalid = "buffer size is not allowed";
  const buffers = new KeyValueBuffers(ort, /** @type {any} */ (gpu), model, "float32", 2048);
  await assert.rejects(buffers.reserve(1, 0), { name: "DeviceMemoryError", message: /size is not allowed/ });
  assert.deepEqual([gpu.scopes.length, gpu.alive.size], [0, 0]);
});
