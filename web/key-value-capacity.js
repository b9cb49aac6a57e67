// @ts-check
/**
 * What the static key/value caches of all backends share: what their tensors are called and how they grow.
 *
 * @module
 */

const FIRST_CAPACITY = 512;
/** Where a cache that grows gently stops doubling. */
const LAST_DOUBLED_CAPACITY = 2048;
const GENTLE_STEP = 256;

/**
 * Names of the graph's inputs and outputs that hold the cache, layer by layer, keys before values.
 * @param {number} layers
 * @returns {Array<{past: string, present: string}>}
 */
export function keyValueNames(layers) {
  return Array.from({ length: layers }, (_, layer) =>
    ["key", "value"].map((part) => ({
      past: `past_key_values.${layer}.${part}`,
      present: `present.${layer}.${part}`,
    })),
  ).flat();
}

/** @param {number} capacity */
export function doubled(capacity) {
  return 2 * capacity;
}

/**
 * Doubles short caches and adds a quarter to long ones, so that about a fifth of a long one at most is empty. It is geometric
 * still: all growing together copies fewer than five rows for each that is held at the end, where doubling copies two.
 *
 * @param {number} capacity
 */
export function gentlyGrown(capacity) {
  if (capacity < LAST_DOUBLED_CAPACITY) return doubled(capacity);
  return Math.ceil((1.25 * capacity) / GENTLE_STEP) * GENTLE_STEP;
}

/**
 * @param {number} total  tokens that must fit
 * @param {number} capacity  now
 * @param {number} greatest
 * @param {(capacity: number) => number} grown  the capacity after one
 */
export function nextCapacity(total, capacity, greatest, grown) {
  let next = capacity || FIRST_CAPACITY;
  while (next < total) next = grown(next);
  return Math.min(next, greatest);
}
