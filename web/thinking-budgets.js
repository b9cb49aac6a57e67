// @ts-check
/**
 * The thinking budgets that a slider stands on: powers of two, none at its start, no limit at its end.
 *
 * Pure.
 *
 * @module
 */

const FIRST_TOKENS = 16;

/**
 * @param {number} contextSize  tokens
 * @returns {Array<number | undefined>}  tokens, ascending; the last: no limit
 */
export function budgetStops(contextSize) {
  /** @type {Array<number | undefined>} */
  const stops = [0];
  for (let tokens = FIRST_TOKENS; tokens < contextSize; tokens *= 2) stops.push(tokens);
  return [...stops, undefined];
}

/**
 * Where a budget stands: at the greatest stop that it reaches.
 * @param {ReturnType<typeof budgetStops>} stops
 * @param {number | undefined} budget
 */
export function stopOf(stops, budget) {
  if (budget === undefined) return stops.length - 1;
  return stops.findLastIndex((tokens) => tokens !== undefined && tokens <= budget);
}

/** @param {number | undefined} budget */
export function budgetText(budget) {
  if (budget === undefined) return "no limit";
  return budget === 0 ? "none" : `${budget.toLocaleString("en")} tokens`;
}
