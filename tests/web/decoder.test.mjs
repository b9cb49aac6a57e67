// @ts-check
import assert from "node:assert/strict";
import { beforeEach, test } from "node:test";
import { Decoder } from "../../web/decoder.js";

const K = 2;

/** A device that notes what it is asked; its best candidate is the sum of all tokens it holds. */
class RecordingDevice {
  /** @type {number[]} */ tokens = [];
  /** @type {string[]} */ calls = [];
  keyValueBytes = 96;
  /** @type {Error | null} */ failure = null;
  /** @type {(packed: Float64Array) => void} */ spoil = () => {};

  /** @param {ArrayLike<number>} inputIds @param {number} position @param {number} [rows] */
  async run(inputIds, position, rows = 1) {
    await Promise.resolve();
    if (this.failure) throw this.failure;
    this.calls.push(`run ${inputIds.length} at ${position}${rows > 1 ? `, ${rows} rows` : ""}`);
    this.tokens = [...this.tokens.slice(0, position), ...Array.from(inputIds)];
    const sum = this.tokens.reduce((a, b) => a + b, 0);
    const candidates = Float64Array.of(2.5, 1.5, sum, 0);
    this.spoil(candidates);
    return { candidates, readBackBytes: 24 };
  }
  /** @param {number} length */
  truncate(length) {
    this.calls.push(`truncate ${length}`);
  }
  /** @param {number} length */
  async logits(length) {
    return new Float32Array(8).fill(length);
  }
  async close() {
    this.calls.push("close");
  }
}

/** @type {RecordingDevice} */
let device;
/** @type {Decoder} */
let decoder;
beforeEach(() => {
  device = new RecordingDevice();
  decoder = new Decoder(device, {
    name: "wasm",
    graph: "wasm",
    candidates: K,
    vocabSize: 100,
    maxPositions: 10,
    verifyTokens: 4,
  });
});
const refusal = (/** @type {RegExp} */ message) => ({ name: "BackendError", message });

test("prefill and decode append, and return K logits before K ids", async () => {
  await decoder.prefill(Int32Array.of(1, 2, 3), 0);
  assert.deepEqual([...(await decoder.decode(4))], [2.5, 1.5, 10, 0]);
  assert.equal(decoder.length, 4);
  assert.deepEqual(device.calls, ["run 3 at 0", "run 1 at 3"]);
});

test("a step that fails leaves the length as it was", async () => {
  await decoder.prefill(Int32Array.of(1, 2), 0);
  device.failure = new Error("device");
  await assert.rejects(decoder.decode(3), /device/);
  assert.equal(decoder.length, 2);
  device.failure = null;
  await decoder.decode(3);
  assert.equal(decoder.length, 3);
});

test("prefill at another position than the length is refused", async () => {
  await assert.rejects(decoder.prefill(Int32Array.of(1), 1), refusal(/position 1 \(expected position 0\)/));
});

test("prefill without tokens is refused", async () => {
  await assert.rejects(decoder.prefill(new Int32Array(0), 0), refusal(/without tokens/));
});

test("tokens beyond the model's positions are refused before they run", async () => {
  await decoder.prefill(new Int32Array(10), 0);
  await assert.rejects(decoder.decode(1), refusal(/11 tokens \(expected at most 10/));
  assert.equal(device.calls.length, 1);
});

for (const id of [-1, 100, Number.NaN]) {
  test(`token id ${id} is refused`, async () => {
    await assert.rejects(decoder.decode(id), refusal(/0 to 99/));
  });
}

test("a second call while one runs is refused, and the first one is not disturbed", async () => {
  const first = decoder.prefill(Int32Array.of(5), 0);
  await assert.rejects(decoder.decode(1), refusal(/decode while prefill is running/));
  assert.throws(() => decoder.truncate(0), refusal(/truncate while prefill is running/));
  assert.equal((await first)[K], 5);
});

test("verify appends and asks for a row for each token", async () => {
  await decoder.prefill(Int32Array.of(1, 2, 3), 0);
  await decoder.verify(Int32Array.of(4, 5), 3);
  assert.equal(decoder.length, 5);
  assert.deepEqual(device.calls.slice(1), ["run 2 at 3, 2 rows"]);
});

test("verify of more tokens than the graph gives candidates of is refused", async () => {
  await assert.rejects(
    decoder.verify(new Int32Array(5), 0),
    refusal(/verify of 5 tokens \(expected at most 4/),
  );
  assert.deepEqual([decoder.length, device.calls], [0, []]);
});

test("truncate cuts the length, so that the next step stands there", async () => {
  await decoder.prefill(Int32Array.of(1, 2, 3), 0);
  decoder.truncate(1);
  assert.equal((await decoder.decode(7))[K], 8);
  assert.deepEqual(device.calls.slice(1), ["truncate 1", "run 1 at 1"]);
});

test("truncate to the length asks nothing of the device", async () => {
  await decoder.prefill(Int32Array.of(1, 2, 3), 0);
  decoder.truncate(3);
  assert.deepEqual(device.calls, ["run 3 at 0"]);
});

for (const length of [-1, 4, Number.NaN]) {
  test(`truncate of three tokens to ${length} is refused`, async () => {
    await decoder.prefill(Int32Array.of(1, 2, 3), 0);
    assert.throws(() => decoder.truncate(length), refusal(/0 to 3/));
  });
}

test("logits belong to the last step, so there are none before one or after a cut", async () => {
  await assert.rejects(decoder.logits(), refusal(/without a step/));
  await decoder.prefill(Int32Array.of(1, 2), 0);
  assert.equal((await decoder.logits())[0], 2);
  decoder.truncate(1);
  await assert.rejects(decoder.logits(), refusal(/without a step/));
});

test("statistics count runs and the bytes that were read", async () => {
  await decoder.prefill(Int32Array.of(1, 2), 0);
  await decoder.decode(1);
  await decoder.logits();
  assert.deepEqual(decoder.statistics, { runs: 2, readBackBytes: 2 * 24 + 8 * 4 });
});

test("a restart leaves nothing behind", async () => {
  await decoder.prefill(Int32Array.of(1, 2), 0);
  await decoder.decode(1);
  decoder.restart();
  assert.equal(device.calls.at(-1), "truncate 0");
  assert.equal(decoder.length, 0);
  assert.deepEqual(decoder.statistics, { runs: 0, readBackBytes: 0 });
});

test("a message that waits gets in between two steps", async () => {
  const { port1, port2 } = new MessageChannel();
  let stopped = false;
  port1.onmessage = () => {
    stopped = true;
  };
  port2.postMessage("stop");
  let steps = 0;
  while (!stopped && steps < 10_000) {
    await decoder.decode(1);
    decoder.truncate(0);
    steps++;
  }
  port1.close();
  assert.ok(stopped);
});

test("close gives the device back once, and nothing runs afterwards", async () => {
  await decoder.close();
  await decoder.close();
  assert.deepEqual(device.calls, ["close"]);
  await assert.rejects(decoder.decode(1), refusal(/closed/));
});
