// @ts-check
/** Sampling fields take what the runtime takes, and answer the rest with a sentence. */

import assert from "node:assert/strict";
import test from "node:test";
import {
  describeDefault,
  parseSamplingField,
  placeholderOf,
  SAMPLING_FIELDS,
} from "../../web/sampling-fields.js";

/** @param {string} key */
const field = (key) => {
  const found = SAMPLING_FIELDS.find((candidate) => candidate.key === key);
  assert.ok(found);
  return found;
};
const GENERATION = {
  thinking: { temperature: 0.6, top_k: 20, top_p: 0.95, min_p: 0, repetition_penalty: 1 },
  non_thinking: { temperature: 0.7, top_k: 20, top_p: 0.8, min_p: 0, repetition_penalty: 1.1 },
};

for (const [key, text, value] of /** @type {[string, string, number | undefined][]} */ ([
  ["temperature", "0", 0],
  ["temperature", " 1.5 ", 1.5],
  ["temperature", "", undefined],
  ["topK", "20", 20],
  ["topP", "1", 1],
  ["minP", "0.05", 0.05],
  ["seed", "9007199254740991", Number.MAX_SAFE_INTEGER],
  ["maxNewTokens", "1", 1],
])) {
  test(`${key} takes ${JSON.stringify(text)}`, () => {
    assert.deepEqual(parseSamplingField(field(key), text), { value });
  });
}

for (const [key, text] of [
  ["temperature", "-0.1"],
  ["temperature", "2.1"],
  ["temperature", "hot"],
  ["temperature", "Infinity"],
  ["topK", "1.5"],
  ["topP", "1.01"],
  ["minP", "-1"],
  ["seed", "-1"],
  ["seed", "9007199254740992"],
  ["maxNewTokens", "0"],
]) {
  test(`${key} refuses ${text} with a sentence that names the range`, () => {
    const { problem } = parseSamplingField(field(key), text);
    assert.match(problem ?? "", new RegExp(`^${field(key).label} is a (whole )?number from .* to .*\\.$`));
  });
}

test("a default that differs by mode is named for both", () => {
  assert.equal(describeDefault(field("topP"), GENERATION), "Default: 0.95 with thinking, 0.8 without.");
  assert.equal(describeDefault(field("topK"), GENERATION), "Default: 20.");
  assert.equal(
    describeDefault(field("repetitionPenalty"), GENERATION),
    "Default: 1 with thinking, 1.1 without.",
  );
});

test("before the model is loaded its defaults are not guessed", () => {
  assert.equal(describeDefault(field("topK"), null), "Default: known once the model is loaded.");
  assert.equal(placeholderOf(field("topK"), null, true), "default");
});

test("the placeholder is the default of the mode that is on", () => {
  assert.equal(placeholderOf(field("temperature"), GENERATION, true), "0.6");
  assert.equal(placeholderOf(field("temperature"), GENERATION, false), "0.7");
});
