// @ts-check
import assert from "node:assert/strict";
import { test } from "node:test";
import { RecordedDevice } from "../../web/step-record.js";

/** A device whose candidates are the last input and what follows it. */
function makeDevice(/** @type {number} */ candidates) {
  const packed = new Float64Array(2 * candidates);
  return {
    /** @type {number[]} */ truncated: [],
    closed: false,
    keyValueBytes: 64,
    async run(/** @type {ArrayLike<number>} */ inputIds) {
      for (let rank = 0; rank < candidates; rank++) {
        packed[rank] = 9 - rank;
        packed[candidates + rank] = inputIds[inputIds.length - 1] + rank;
      }
      return { candidates: packed, readBackBytes: 8 };
    },
    truncate(/** @type {number} */ length) {
      this.truncated.push(length);
    },
    logits: async (/** @type {number} */ length) => new Float32Array([length]),
    async close() {
      this.closed = true;
    },
  };
}

test("each step is kept with its two likeliest tokens, though the device's array is reused", async () => {
  const device = new RecordedDevice(makeDevice(3));
  const first = await device.run(new Int32Array([5, 6]), 0);
  assert.equal(first.readBackBytes, 8);
  await device.run([7], 2);
  assert.deepEqual(device.steps, [
    { position: 0, inputIds: [5, 6], ids: [6, 7], logits: [9, 8] },
    { position: 2, inputIds: [7], ids: [7, 8], logits: [9, 8] },
  ]);
});

test("verified tokens are a step each, and what was read before the first of them is in its step", async () => {
  const packed = Float64Array.of(9, 8, 1, 2, 7, 6, 3, 4);
  const inner = { ...makeDevice(2), run: async () => ({ candidates: packed, readBackBytes: 8 }) };
  const device = new RecordedDevice(inner);
  await device.run([5, 6, 7], 4, 2);
  assert.deepEqual(device.steps, [
    { position: 4, inputIds: [5, 6], ids: [1, 2], logits: [9, 8] },
    { position: 6, inputIds: [7], ids: [3, 4], logits: [7, 6] },
  ]);
});

test("a vocabulary of one token has no second likeliest", async () => {
  const device = new RecordedDevice(makeDevice(1));
  await device.run([0], 0);
  assert.deepEqual(device.steps[0].ids, [0]);
  assert.deepEqual(device.steps[0].logits, [9]);
});

test("a step that fails is not kept, and everything else is the device's own", async () => {
  const inner = makeDevice(2);
  inner.run = async () => {
    throw new Error("out of memory");
  };
  const device = new RecordedDevice(inner);
  await assert.rejects(device.run([1], 0), /out of memory/);
  assert.deepEqual(device.steps, []);
  device.truncate(4);
  assert.deepEqual(inner.truncated, [4]);
  assert.deepEqual([...(await device.logits(3))], [3]);
  await device.close();
  assert.equal(inner.closed, true);
});
