// @ts-check
import assert from "node:assert/strict";
import { beforeEach, test } from "node:test";
import { WasmDevice } from "../../web/decoder-wasm.js";
import { WasmHeap } from "../../web/wasm-heap.js";
import { FakeModule } from "./fake-module.mjs";

const HEADS = 2;
const HEAD_DIM = 3;
const VOCAB_SIZE = 8;

let module = new FakeModule();
/** @type {Array<{ids: bigint[], total: number, outputs: string[], rows?: number}>} */
let runs = [];
let released = 0;

/** Appends a row that says which token it is of, in place, and answers with numbers that say the total. */
function appendRows() {
  module.onRun = (inputs, outputs) => {
    const ids = [.../** @type {BigInt64Array} */ (module.elements(inputs.input_ids))];
    const total = Number(module.elements(inputs.total_sequence_length)[0]);
    assert.equal(Number(module.elements(inputs.seqlens_k)[0]), total - 1);
    assert.equal(
      inputs["past_key_values.0.key"],
      outputs["present.0.key"],
      "past and present are one tensor",
    );
    const keys = /** @type {Float32Array} */ (module.elements(outputs["present.0.key"]));
    const capacity = outputs["present.0.key"].dims[2];
    ids.forEach((id, index) => {
      for (let head = 0; head < HEADS; head++) {
        const row = head * capacity + total - ids.length + index;
        keys.fill(Number(id), row * HEAD_DIM, (row + 1) * HEAD_DIM);
      }
    });
    const rows = inputs.num_logits_to_keep && Number(module.elements(inputs.num_logits_to_keep)[0]);
    assert.deepEqual(outputs.candidate_logits.dims, [rows ?? 1, 2]);
    for (let row = 0; row < (rows ?? 1); row++) {
      /** @type {Float32Array} */ (module.elements(outputs.candidate_logits)).set([3 + row, 2], 2 * row);
      /** @type {BigInt64Array} */ (module.elements(outputs.candidate_ids)).set(
        [7n, 5n - BigInt(row)],
        2 * row,
      );
    }
    if (outputs.logits) /** @type {Float32Array} */ (module.elements(outputs.logits)).fill(total);
    runs.push({ ids, total, outputs: Object.keys(outputs), rows });
    return 0;
  };
}

/** @param {number} [maxPositions] @param {{verify_tokens?: number}} [more]  of the graph */
function openDevice(maxPositions = 2048, more = { verify_tokens: 4 }) {
  const manifest = {
    model: {
      num_hidden_layers: 1,
      num_key_value_heads: HEADS,
      head_dim: HEAD_DIM,
      vocab_size: VOCAB_SIZE,
    },
    graphs: { wasm: { candidates: 2, ...more } },
  };
  const session = {
    handle: 7,
    release: async () => {
      released++;
    },
  };
  return new WasmDevice(
    new WasmHeap(/** @type {any} */ (module)),
    session,
    /** @type {any} */ (manifest),
    maxPositions,
  );
}

/** First number of each of the first rows of a head's keys. @param {number} head @param {number} rows */
function keyRows(head, rows) {
  const tensor = [...module.tensors.values()].filter(({ dims }) => dims.length === 4)[0];
  const keys = module.elements(tensor);
  return Array.from({ length: rows }, (_, row) => keys[(head * tensor.dims[2] + row) * HEAD_DIM]);
}

beforeEach(() => {
  module = new FakeModule();
  runs = [];
  released = 0;
  appendRows();
});

test("tokens go in and candidates come out, packed", async () => {
  const device = openDevice();
  await device.run([1, 2, 3], 0);
  const { candidates, readBackBytes } = await device.run([4], 3);
  assert.deepEqual(
    runs.map(({ ids, total }) => [ids, total]),
    [
      [[1n, 2n, 3n], 3],
      [[4n], 4],
    ],
  );
  assert.deepEqual([...candidates], [3, 2, 7, 5]);
  assert.equal(readBackBytes, 2 * 4 + 2 * 8);
});

test("verified tokens have a row of candidates each, packed one after the other", async () => {
  const device = openDevice();
  await device.run([1, 2], 0);
  const { candidates, readBackBytes } = await device.run([3, 4, 5], 2, 3);
  assert.deepEqual([...candidates], [3, 2, 7, 5, 4, 2, 7, 4, 5, 2, 7, 3]);
  assert.equal(readBackBytes, 3 * (2 * 4 + 2 * 8));
  const after = await device.run([6], 5);
  assert.deepEqual([...after.candidates], [3, 2, 7, 5]);
  assert.deepEqual(
    runs.map(({ rows }) => rows),
    [1, 3, 1],
  );
});

test("a verify that fails leaves the outputs of one token bound, and its own memory is given back", async () => {
  const device = openDevice();
  await device.run([1, 2], 0);
  const before = module.allocated.size;
  module.onRun = () => 1;
  await assert.rejects(device.run([3, 4], 2, 2), { name: "BackendError" });
  assert.equal(module.allocated.size, before);
  appendRows();
  assert.deepEqual([...(await device.run([3], 2)).candidates], [3, 2, 7, 5]);
});

test("logits after a verify are of its last token, which runs once more", async () => {
  const device = openDevice();
  await device.run([1], 0);
  await device.logits(1);
  await device.run([2, 3], 1, 2);
  assert.equal((await device.logits(3))[0], 3);
  assert.deepEqual(
    runs.map(({ ids, outputs }) => [ids.length, outputs.includes("logits")]),
    [
      [1, false],
      [1, true],
      [2, false],
      [1, true],
    ],
  );
});

test("a graph without the input is not given it", async () => {
  const device = openDevice(2048, {});
  await device.run([1, 2], 0);
  assert.deepEqual(
    runs.map(({ rows }) => rows),
    [undefined],
  );
  await device.close();
  assert.deepEqual([...module.allocated], []);
});

test("keys stay where they are and a run after a cut writes over them", async () => {
  const device = openDevice();
  await device.run([1, 2, 3], 0);
  device.truncate();
  await device.run([4], 2);
  for (const head of [0, 1]) assert.deepEqual(keyRows(head, 3), [1, 2, 4]);
});

test("a cache that grows takes every head's rows with it", async () => {
  const device = openDevice();
  await device.run([1, 2, 3], 0);
  const before = module.tensors.size;
  await device.run(new Array(600).fill(9), 3);
  for (const head of [0, 1]) assert.deepEqual(keyRows(head, 5), [1, 2, 3, 9, 9]);
  assert.equal(module.tensors.size, before, "the tensors it grew out of are released");
});

test("a long cache grows by a quarter, and one tensor at a time is there twice", async () => {
  const device = openDevice(40960);
  await device.run(new Array(2048).fill(1), 0);
  const caches = () => [...module.tensors.values()].filter(({ dims }) => dims.length === 4);
  assert.deepEqual(
    caches().map(({ dims }) => dims[2]),
    [2048, 2048],
  );
  let most = 0;
  const create = module._OrtCreateTensor;
  module._OrtCreateTensor = (...parameters) => {
    const handle = create(...parameters);
    most = Math.max(most, caches().length);
    return handle;
  };
  await device.run([2], 2048);
  assert.deepEqual(
    caches().map(({ dims }) => dims[2]),
    [2560, 2560],
  );
  assert.equal(most, 3);
});

test("where there is no room to grow it is said, and the rows are still there", async () => {
  const device = openDevice();
  await device.run([1, 2, 3], 0);
  module.room = 100;
  await assert.rejects(device.run(new Array(600).fill(9), 3), {
    name: "DeviceMemoryError",
    message: /no room for present\.0\.key of 1024 tokens/,
  });
  module.room = 1 << 20;
  await device.run([4], 3);
  for (const head of [0, 1]) assert.deepEqual(keyRows(head, 4), [1, 2, 3, 4]);
});

test("all logits are computed only when they were asked for", async () => {
  const device = openDevice();
  await device.run([1, 2], 0);
  assert.deepEqual([...(await device.logits(2))], Array(VOCAB_SIZE).fill(2));
  assert.deepEqual(
    runs.map(({ ids, outputs }) => [ids, outputs.includes("logits")]),
    [
      [[1n, 2n], false],
      [[2n], true],
    ],
  );
});

test("who asks for logits after every step does not pay for every step twice", async () => {
  const device = openDevice();
  await device.run([1], 0);
  const first = await device.logits(1);
  await device.run([2], 1);
  assert.equal((await device.logits(2))[0], 2);
  assert.equal((await device.logits(2))[0], 2);
  await device.run([3], 2);
  await device.run([4], 3);
  assert.deepEqual(
    runs.map(({ outputs }) => outputs.includes("logits")),
    [false, true, true, true, false],
  );
  assert.equal(first[0], 1, "logits are the caller's to keep");
});

test("a failure of onnxruntime names the tokens and keeps its words", async () => {
  const device = openDevice();
  await device.run([1, 2], 0);
  module.lastError = "bad alloc";
  module.onRun = () => 1;
  await assert.rejects(device.run([3], 2), {
    name: "BackendError",
    message: /tokens 2 to 2: bad alloc/,
  });
  appendRows();
  await device.run([4], 2);
  assert.deepEqual(keyRows(1, 3), [1, 2, 4]);
});

test("WebAssembly that breaks down is a loss: nothing runs in its memory any more, and its owner is told", async () => {
  const device = openDevice();
  module.onRun = () => {
    throw new WebAssembly.RuntimeError("memory access out of bounds");
  };
  const lost = { name: "DeviceLostError", message: /broke down on tokens 0 to 1: memory access/ };
  await assert.rejects(device.run([1, 2], 0), lost);
  appendRows();
  await assert.rejects(device.run([1, 2], 0), lost);
  assert.equal((await device.lost).name, "DeviceLostError");
});

test("memory that onnxruntime does not get is called by its name", async () => {
  const device = openDevice();
  module.lastError = "Failed to allocate memory";
  module.onRun = () => 1;
  await assert.rejects(device.run([1], 0), { name: "DeviceMemoryError", message: /tokens 0 to 0: Failed/ });
  appendRows();
  await device.run([1], 0);
});

test("close gives back the session and every byte", async () => {
  const device = openDevice();
  await device.run([1, 2], 0);
  await device.logits(2);
  await device.close();
  assert.equal(released, 1);
  assert.deepEqual([...module.allocated], []);
  assert.equal(module.tensors.size, 0);
  assert.equal(module.options, 0);
});
