// @ts-check
/** The first runs: they cover what steps need, tell wrong tokens from near ties, and time a step. */

import assert from "node:assert/strict";
import { beforeEach, test } from "node:test";
import { Decoder } from "../../web/decoder.js";
import { warmUp } from "../../web/warm-up.js";

const K = 2;

/** A device whose likeliest token is one more than the last that it was given. */
class CountingDevice {
  keyValueBytes = 0;
  /** @type {string[]} */ calls = [];
  /** @type {number[]} */ inputs = [];
  /** @type {(packed: Float64Array) => void} */ spoil = () => {};

  /** @param {ArrayLike<number>} inputIds @param {number} position */
  async run(inputIds, position) {
    this.calls.push(`run ${inputIds.length} at ${position}`);
    const last = inputIds[inputIds.length - 1];
    this.inputs.push(last);
    const candidates = Float64Array.of(4.5, 1.5, last + 1, 99);
    this.spoil(candidates);
    return { candidates, readBackBytes: 8 };
  }
  truncate() {
    this.calls.push("truncate");
  }
  async logits() {
    return new Float32Array(0);
  }
  async close() {}
}

/** @type {CountingDevice} */
let device;
/** @type {Decoder} */
let decoder;
/** @param {Partial<import("../../web/decoder.js").DecoderCapabilities>} [capabilities] */
function makeDecoder(capabilities = {}) {
  return new Decoder(device, {
    name: "wasm",
    graph: "wasm",
    candidates: K,
    vocabSize: 100,
    maxPositions: 100,
    verifyTokens: 0,
    ...capabilities,
  });
}
beforeEach(() => {
  device = new CountingDevice();
  decoder = makeDecoder();
});

/** @param {number} tokens  of its prompt @param {object} [reply] @returns {any} */
function manifestOf(tokens, reply = { ids: [11, 12, 13, 14, 15, 16], margins: [3, 3, 3, 3, 3, 3] }) {
  const prompts = [{ input_ids: new Array(tokens).fill(10) }];
  const entry = { near_tie: 0.5, replies: [reply] };
  return {
    name: "m",
    model: { vocab_size: 100 },
    certificate: { prompts, graphs: { wasm: entry, "webgpu-f16": entry } },
  };
}
const silent = /** @type {any} */ ({ name: "m", model: { vocab_size: 100 } });

/** A clock that is read before and after each decoded token; these take so many ms. @param {number[]} durations */
function makeClock(...durations) {
  const times = durations.flatMap((duration, index) => {
    const started = durations.slice(0, index).reduce((a, b) => a + b, 0);
    return [started, started + duration];
  });
  return () => times.shift() ?? Number.NaN;
}

test("the prompt of the bundle is run, its reply compared, and all of it forgotten", async () => {
  const { check, decodeMs } = await warmUp(decoder, manifestOf(40), makeClock(90, 12, 10, 11));
  assert.deepEqual(device.calls, [
    "run 40 at 0",
    "run 1 at 40",
    "run 1 at 41",
    "run 1 at 42",
    "run 1 at 43",
    "truncate",
  ]);
  assert.deepEqual(check, { against: "certificate", tokens: 5, nearTies: 0 });
  assert.equal(decodeMs, 10);
  assert.deepEqual([decoder.length, decoder.statistics], [0, { runs: 0, readBackBytes: 0 }]);
});

test("where steps are slow few are taken, but one that does not compile", async () => {
  const { check, decodeMs } = await warmUp(decoder, manifestOf(40), makeClock(2000, 400));
  assert.deepEqual([check.tokens, decodeMs], [3, 400]);
});

test("kernels for many rows are compiled although the prompt has few", async () => {
  const { check } = await warmUp(decoder, manifestOf(5), makeClock(1, 1, 1, 1));
  assert.deepEqual(device.calls.slice(0, 4), ["run 32 at 0", "truncate", "run 5 at 0", "run 1 at 5"]);
  assert.equal(check.tokens, 5);
});

test("a bundle that names no tokens is warmed up all the same, and that is told", async () => {
  const { check, decodeMs } = await warmUp(decoder, silent, makeClock(9, 8, 7, 6));
  assert.deepEqual(device.calls.slice(0, 2), ["run 32 at 0", "run 1 at 32"]);
  assert.deepEqual([check, decodeMs], [{ against: null, tokens: 0, nearTies: 0 }, 6]);
});

test("a warm-up stays inside the model's positions", async () => {
  await warmUp(makeDecoder({ maxPositions: 10 }), silent);
  assert.deepEqual(device.calls[0], "run 6 at 0");
});

test("a reply that ends early is compared as far as it goes", async () => {
  const { check } = await warmUp(decoder, manifestOf(40, { ids: [11, 12], margins: [3, 3] }));
  assert.equal(check.tokens, 2);
});

test("a wrong token is named, with what was expected and by how much", async () => {
  device.spoil = (packed) => {
    if (device.calls.length === 3) packed[K] = 50;
  };
  await assert.rejects(warmUp(decoder, manifestOf(40)), {
    name: "WrongTokensError",
    message:
      /the graph wasm computes wrongly on this device \(expected token 3 .* to be 13, ahead by 3 logits, as its certificate says; it is 50, ahead by 3\.000\)/,
  });
});

test("a right token that is ahead by another amount is wrong as well", async () => {
  device.spoil = (packed) => {
    if (device.calls.length === 3) packed[0] += 3;
  };
  await assert.rejects(warmUp(decoder, manifestOf(40)), {
    name: "WrongTokensError",
    message: /to be 13, ahead by 3 logits, .*; it is 13, ahead by 6\.000\)/,
  });
});

test("a wrong token on a GPU is answered with WASM", async () => {
  device.spoil = (packed) => packed.fill(50, K, K + 1);
  const gpu = makeDecoder({ name: "webgpu", graph: "webgpu-f16" });
  await assert.rejects(warmUp(gpu, manifestOf(40)), {
    name: "WrongTokensError",
    message: /Choose WASM in the Settings/,
  });
});

test("a near tie is counted, and the expected token goes on", async () => {
  const reply = { ids: [11, 30, 31, 32, 33], margins: [3, 0.25, 3, 3, 3] };
  const { check } = await warmUp(decoder, manifestOf(40, reply));
  assert.deepEqual(check, { against: "certificate", tokens: 5, nearTies: 1 });
  assert.deepEqual(device.inputs, [10, 11, 30, 31, 32]);
});

for (const [what, index, value] of /** @type {[string, number, number][]} */ ([
  ["a logit that is not a number", 0, Number.NaN],
  ["an infinite logit", 1, Number.NEGATIVE_INFINITY],
  ["logits that are all the same", 0, 1.5],
  ["an id outside of the vocabulary", 2, 100],
  ["a negative id", 3, -1],
  ["a token twice", 3, 1],
])) {
  test(`${what} is garbage, whatever the bundle expects`, async () => {
    device.spoil = (packed) => {
      if (device.calls.length === 2) packed[index] = value;
    };
    await assert.rejects(warmUp(decoder, silent), {
      name: "BackendError",
      message: /the graph wasm computes garbage on this device/,
    });
  });
}
