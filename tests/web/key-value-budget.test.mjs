// @ts-check
/** The context that a budget of memory holds. */

import assert from "node:assert/strict";
import { test } from "node:test";
import { defaultMemoryBudget, planKeyValues } from "../../web/key-value-budget.js";

const MEBIBYTE = 2 ** 20;
/** Qwen3-0.6B: 112 KiB a token in float16. */
const MODEL = /** @type {import("../../web/bundle-store.js").Manifest["model"]} */ ({
  vocab_size: 151_936,
  num_hidden_layers: 28,
  num_key_value_heads: 8,
  head_dim: 128,
  max_position_embeddings: 40_960,
});

test("a budget holds as many tokens as fit, float32 half as many as float16", () => {
  const half = planKeyValues(MODEL, "float16", 1024 * MEBIBYTE);
  assert.deepEqual(half, { budgetBytes: 1024 * MEBIBYTE, bytesPerToken: 112 * 1024, maxPositions: 9362 });
  assert.equal(planKeyValues(MODEL, "float32", 1024 * MEBIBYTE).maxPositions, 4681);
});

test("no budget gives more positions than the model has", () => {
  assert.equal(planKeyValues(MODEL, "float16", 2 ** 40).maxPositions, 40_960);
});

test("a budget too small for a conversation is refused with what would do", () => {
  assert.throws(() => planKeyValues(MODEL, "float32", 10 * MEBIBYTE), {
    name: "DeviceMemoryError",
    message:
      /holds keys and values of 45 tokens \(expected at least 117440512 bytes, enough for 512 tokens\)/,
  });
});

test("a model of fewer positions needs no more than those", () => {
  const small = { ...MODEL, max_position_embeddings: 64 };
  assert.equal(planKeyValues(small, "float16", 64 * 112 * 1024).maxPositions, 64);
});

test("without a budget it is a quarter of the machine's memory, and at least 1 GiB", () => {
  assert.equal(defaultMemoryBudget(8), 2048 * MEBIBYTE);
  assert.equal(defaultMemoryBudget(0.5), 1024 * MEBIBYTE);
  assert.equal(defaultMemoryBudget(undefined), 1024 * MEBIBYTE);
});
