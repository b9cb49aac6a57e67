// @ts-check
/** What the page says about loading, thinking and speed. */

import assert from "node:assert/strict";
import test from "node:test";
import {
  contextSentence,
  finishSentence,
  formatBytes,
  formatDuration,
  formatRate,
  stageSentence,
  stageState,
  statsParts,
  thoughtLabel,
  waitingSentence,
} from "../../web/sentences.js";

const USAGE = {
  promptTokens: 120,
  cachedTokens: 20,
  reasoningTokens: 30,
  answerTokens: 10,
  prefillMs: 250,
  decodeMs: 2000,
  contextUsed: 160,
  contextSize: 4096,
  keyValueBytes: 2_097_152,
  seed: 42,
  reasoningCut: false,
  steps: 25,
};

test("bytes are counted in decimal units", () => {
  assert.deepEqual([0, 999, 1000, 1_180_000, 351_000_000, 1_234_000_000].map(formatBytes), [
    "0 bytes",
    "999 bytes",
    "1.0 kB",
    "1.2 MB",
    "351 MB",
    "1.2 GB",
  ]);
});

test("a download names loaded and total in the unit of the total", () => {
  const progress = { stage: /** @type {const} */ ("weights"), loadedBytes: 800_000, totalBytes: 1_600_000 };
  assert.equal(stageSentence("weights", progress), "Fetching the model's weights: 0.8 of 1.6 MB.");
});

test("a download of unknown size says what came so far", () => {
  const progress = { stage: /** @type {const} */ ("runtime"), loadedBytes: 2_500_000, totalBytes: 0 };
  assert.equal(stageSentence("runtime", progress), "Fetching the runtime: 2.5 MB so far.");
});

test("a finished download says how much it was", () => {
  const progress = { stage: /** @type {const} */ ("runtime"), loadedBytes: 5e6, totalBytes: 5e6 };
  assert.equal(stageSentence("runtime", progress), "The runtime is here: 5.0 MB.");
});

test("a stage without bytes is told without numbers", () => {
  const begun = { stage: /** @type {const} */ ("compile"), loadedBytes: 0, totalBytes: 1 };
  const ended = { ...begun, loadedBytes: 1 };
  assert.equal(stageSentence("compile", begun), "Preparing the model for this device.");
  assert.equal(stageSentence("compile", ended), "Prepared for this device.");
});

test("expanded weights are counted in bytes, and the stage is not finished before its last one", () => {
  const progress = { stage: /** @type {const} */ ("compile"), loadedBytes: 4e6, totalBytes: 600e6 + 1 };
  assert.equal(stageSentence("compile", progress), "Preparing the model for this device: 4.0 of 600 MB.");
  assert.equal(stageState({ ...progress, loadedBytes: 600e6 }), "active");
  assert.equal(stageState({ ...progress, loadedBytes: 600e6 + 1 }), "finished");
});

test("a stage waits, is active, is finished", () => {
  const progress = { stage: /** @type {const} */ ("compile"), loadedBytes: 0, totalBytes: 1 };
  assert.equal(stageState(undefined), "waiting");
  assert.equal(stageState(progress), "active");
  assert.equal(stageState({ ...progress, loadedBytes: 1 }), "finished");
  assert.equal(stageState({ ...progress, totalBytes: 0 }), "active");
});

test("durations are tenths, seconds, minutes", () => {
  assert.deepEqual([1240, 12_900, 65_000].map(formatDuration), ["1.2 s", "12 s", "1 min 5 s"]);
});

test("a running thought counts whole seconds, a finished one is exact", () => {
  assert.equal(thoughtLabel(3900, true), "Thinking… 3 s");
  assert.equal(thoughtLabel(3900, false), "Thought for 3.9 s");
  assert.equal(thoughtLabel(0, false), "Thought");
  assert.equal(thoughtLabel(61_000, true), "Thinking… 1 min 1 s");
});

test("prefill speed leaves out what was cached", () => {
  const values = Object.fromEntries(statsParts(USAGE).map(({ label, value }) => [label, value]));
  assert.deepEqual(values, {
    Prefill: "400 tokens/s",
    Decode: "20 tokens/s",
    Context: "160 / 4,096",
    Seed: "42",
  });
  assert.match(statsParts(USAGE)[1].explanation, /of answer in 25 steps/);
  assert.match(statsParts(USAGE)[2].explanation, /which has 2\.1 MB now/);
});

test("a rate that cannot be measured is not shown", () => {
  assert.equal(formatRate(5, 0), "");
  assert.equal(formatRate(0, 5), "");
  assert.equal(formatRate(3, 1000), "3.0 tokens/s");
});

test("the end of an answer is explained when it was not the model's own", () => {
  assert.equal(finishSentence("stop", USAGE), "");
  assert.match(finishSentence("stop", { ...USAGE, reasoningCut: true }), /cut short by the budget/);
  assert.equal(finishSentence("abort", USAGE), "Stopped.");
  assert.match(finishSentence("length", USAGE), /Max new tokens/);
  assert.match(finishSentence("length", { ...USAGE, contextUsed: 4096 }), /new chat/);
});

test("a reader who waits hears how far a long prompt is", () => {
  assert.equal(waitingSentence({ status: "queued", prefill: null }), "Waits for the model…");
  assert.equal(waitingSentence({ status: "reading", prefill: null }), "Reading…");
  const prefill = { readTokens: 1280, promptTokens: 3000 };
  assert.equal(waitingSentence({ status: "reading", prefill }), "Reading… 1,280 of 3,000 tokens");
  assert.equal(waitingSentence({ status: "thinking", prefill }), "");
});

test("the context is told in tokens", () => {
  assert.equal(
    contextSentence({ tokens: 1200, contextSize: 40960 }),
    "1,200 of 40,960 tokens of the context",
  );
});
