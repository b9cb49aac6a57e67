// @ts-check
import assert from "node:assert/strict";
import { test } from "node:test";
import * as ort from "onnxruntime-common";
import { cut, WasmDevice } from "../../web/decoder-wasm.js";

const HEADS = 2;
const HEAD_DIM = 3;

/** @param {number} rows  element = head * 1000 + row * 10 + column */
function keys(rows) {
  const data = new Float32Array(HEADS * rows * HEAD_DIM);
  for (let head = 0; head < HEADS; head++) {
    for (let row = 0; row < rows; row++) {
      for (let column = 0; column < HEAD_DIM; column++) {
        data[(head * rows + row) * HEAD_DIM + column] = head * 1000 + row * 10 + column;
      }
    }
  }
  return new ort.Tensor("float32", data, [1, HEADS, rows, HEAD_DIM]);
}

for (const length of [1, 4, 5]) {
  test(`the first ${length} of 5 rows of each head are what a slice would give`, () => {
    assert.deepEqual([...cut(keys(5), length)], [.../** @type {Float32Array} */ (keys(length).data)]);
  });
}

test("a cut uses the memory that is there", () => {
  const tensor = keys(5);
  const { buffer } = /** @type {Float32Array} */ (tensor.data);
  assert.equal(cut(tensor, 4).buffer, buffer);
});

/** A session that presents `keys(total)` and notes what it was given. */
function recordingSession() {
  /** @type {Array<{past: number[], outputs: string[], ids: bigint[], total: number}>} */
  const runs = [];
  const session = {
    runs,
    /** @type {number[][]} keys that each run was given */
    pasts: [],
    /** @param {Record<string, ort.Tensor>} feeds @param {string[]} outputs */
    async run(feeds, outputs) {
      const total = Number(feeds.total_sequence_length.data[0]);
      assert.equal(Number(feeds.seqlens_k.data[0]), total - 1);
      session.pasts.push([.../** @type {Float32Array} */ (feeds["past_key_values.0.key"].data)]);
      assert.deepEqual(feeds["past_key_values.0.key"].data, feeds["past_key_values.0.value"].data);
      runs.push({
        past: [...feeds["past_key_values.0.key"].dims],
        outputs,
        ids: [.../** @type {BigInt64Array} */ (feeds.input_ids.data)],
        total,
      });
      return {
        candidate_logits: new ort.Tensor("float32", Float32Array.of(3, 2), [1, 2]),
        candidate_ids: new ort.Tensor("int64", BigInt64Array.of(7n, 5n), [1, 2]),
        logits: new ort.Tensor("float32", new Float32Array(8).fill(total), [1, 8]),
        "present.0.key": keys(total),
        "present.0.value": keys(total),
      };
    },
  };
  return session;
}

function openDevice() {
  const session = recordingSession();
  const manifest = {
    model: { num_hidden_layers: 1, num_key_value_heads: HEADS, head_dim: HEAD_DIM, vocab_size: 8 },
    graphs: { wasm: { candidates: 2 } },
  };
  const device = new WasmDevice(ort, /** @type {any} */ (session), /** @type {any} */ (manifest));
  return { device, session, runs: session.runs };
}

test("what a run presents is the past of the next", async () => {
  const { device, runs } = openDevice();
  await device.run([1, 2, 3], 0);
  const { candidates, readBackBytes } = await device.run([4], 3);
  assert.deepEqual(
    runs.map(({ past }) => past[2]),
    [0, 3],
  );
  assert.deepEqual(
    runs.map(({ ids }) => ids),
    [[1n, 2n, 3n], [4n]],
  );
  assert.deepEqual([...candidates], [3, 2, 7, 5]);
  assert.equal(readBackBytes, 2 * 4 + 2 * 8);
});

test("after a cut the past has the kept length", async () => {
  const { device, runs } = openDevice();
  await device.run([1, 2, 3], 0);
  device.truncate(2);
  await device.run([4], 2);
  device.truncate(0);
  await device.run([5], 0);
  assert.deepEqual(
    runs.map(({ past }) => past[2]),
    [0, 2, 0],
  );
});

test("all logits are fetched only when they were asked for", async () => {
  const { device, runs } = openDevice();
  await device.run([1, 2], 0);
  assert.equal((await device.logits(2))[0], 2);
  assert.deepEqual(
    runs.map(({ outputs }) => outputs.includes("logits")),
    [false, true],
  );
  assert.deepEqual([runs[1].ids, runs[1].past[2]], [[2n], 1]);
});

test("who asks for logits after every step does not pay for every step twice", async () => {
  const { device, runs } = openDevice();
  await device.run([1], 0);
  await device.logits(1);
  await device.run([2], 1);
  assert.equal((await device.logits(2))[0], 2);
  assert.equal((await device.logits(2))[0], 2);
  await device.run([3], 2);
  await device.run([4], 3);
  assert.deepEqual(
    runs.map(({ outputs }) => outputs.includes("logits")),
    [false, true, true, true, false],
  );
});

test("a failure of onnxruntime names the tokens, and the past stays as it was", async () => {
  const { device, session, runs } = openDevice();
  await device.run([1, 2], 0);
  const { run } = session;
  session.run = () => Promise.reject(new Error("out of memory"));
  await assert.rejects(device.run([3], 2), {
    name: "BackendError",
    message: /tokens 2 and after: out of memory/,
  });
  session.run = run;
  await device.run([3], 2);
  assert.equal(runs[1].past[2], 2);
});

test("logits that fail to be made again leave every row of the cache as it was", async () => {
  const { device, session, runs } = openDevice();
  await device.run([1, 2, 3], 0);
  const { run } = session;
  session.run = () => Promise.reject(new Error("out of memory"));
  await assert.rejects(device.logits(3), { name: "BackendError" });
  session.run = run;
  await device.run([4], 3);
  assert.equal(runs[1].past[2], 3);
  assert.deepEqual(session.pasts[1], [.../** @type {Float32Array} */ (keys(3).data)]);
});
