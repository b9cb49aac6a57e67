// @ts-check
/**
 * How many positions the keys and values may have within a budget of memory.
 *
 *     bytes of a token = layers · 2 (key, value) · num_key_value_heads · head_dim · bytes of a number
 *
 * The budget is for the keys and values at rest: while they grow, old and new exist side by side for a moment. Allocates
 * nothing. Python has the same rule for its own backend (pagelm.key_value_budget).
 *
 * @module
 */

import { DeviceMemoryError } from "./errors.js";

const SMALLEST_CONTEXT_TOKENS = 512;
const GIBIBYTE = 2 ** 30;
/** What a page takes of the machine's memory when nobody says how much it may. */
const DEFAULT_SHARE = 0.25;

/** @typedef {import("./bundle-store.js").Manifest["model"]} Model */
/**
 * @typedef {object} KeyValueBudget
 * @property {number} budgetBytes  for keys and values
 * @property {number} bytesPerToken
 * @property {number} maxPositions  the model's positions, or as many as the budget holds
 */

/**
 * A quarter of the machine's memory as far as the browser tells it (8 GiB at most, some tell nothing); else 1 GiB.
 * @param {number | undefined} deviceMemory  GiB, `navigator.deviceMemory`
 * @returns {number} bytes
 */
export function defaultMemoryBudget(deviceMemory) {
  return Math.max(1, (deviceMemory ?? 0) * DEFAULT_SHARE) * GIBIBYTE;
}

/**
 * @param {Model} model
 * @param {"float32" | "float16"} dtype  of the graph's cache
 * @param {number} budgetBytes
 * @returns {KeyValueBudget}
 * @throws {DeviceMemoryError} when the budget holds no conversation worth the name
 */
export function planKeyValues(model, dtype, budgetBytes) {
  const { num_hidden_layers: layers, num_key_value_heads: heads, head_dim: headDim } = model;
  const bytesPerToken = layers * 2 * heads * headDim * (dtype === "float16" ? 2 : 4);
  const positions = Math.floor(budgetBytes / bytesPerToken);
  const least = Math.min(SMALLEST_CONTEXT_TOKENS, model.max_position_embeddings);
  if (positions < least) {
    throw new DeviceMemoryError(
      `the memory budget of ${budgetBytes} bytes holds keys and values of ${positions} tokens`,
      {
        expected: `at least ${least * bytesPerToken} bytes, enough for ${least} tokens`,
        remedy: "Raise the memory for the conversation in the Settings.",
      },
    );
  }
  return { budgetBytes, bytesPerToken, maxPositions: Math.min(positions, model.max_position_embeddings) };
}
