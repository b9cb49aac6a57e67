// @ts-check
/**
 * The packed form in which the K best candidates of a step cross to Python: one array of K logits, then K token ids.
 *
 * @module
 */

/**
 * @param {Float32Array} logits  descending
 * @param {BigInt64Array} ids
 * @param {Float64Array} target  2K numbers
 * @returns {Float64Array} target
 */
export function packCandidates(logits, ids, target) {
  const count = logits.length;
  target.set(logits);
  for (let i = 0; i < count; i++) target[count + i] = Number(ids[i]);
  return target;
}
