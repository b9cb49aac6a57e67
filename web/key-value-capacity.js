// @ts-check
/**
 * What the static key/value caches of all backends share: what their tensors are called and how they grow.
 *
 * @module
 */

const FIRST_CAPACITY = 512;

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

/**
 * @param {number} total  tokens that must fit
 * @param {number} capacity  now
 * @param {number} greatest
 */
export function nextCapacity(total, capacity, greatest) {
  let next = capacity || FIRST_CAPACITY;
  while (next < total) next *= 2;
  return Math.min(next, greatest);
}
