// @ts-check
/**
 * Calls and their results as texts for a person.
 *
 * Pure.
 *
 * @module
 */

const GLANCE_CHARACTERS = 120;

/**
 * One argument a line, a text as it is and all else as JSON.
 * @param {Record<string, unknown>} values
 */
export function describeArguments(values) {
  const lines = Object.entries(values).map(([name, value]) => `${name}: ${shown(value)}`);
  return lines.length === 0 ? "none" : lines.join("\n");
}

/**
 * What was asked and what came of it, in one line.
 * @param {Pick<import("./turn.js").Call, "call" | "result">} call
 */
export function describeCall({ call, result }) {
  const asked = call.problem === undefined ? Object.values(call.arguments).map(shown).join(", ") : "";
  const given = result === null ? "" : ` → ${errorIn(result) ?? result}`;
  const line = `${asked}${given}`.replaceAll(/\s+/g, " ").trim();
  return line.length > GLANCE_CHARACTERS ? `${line.slice(0, GLANCE_CHARACTERS - 1)}…` : line;
}

/**
 * The problem that a model is told instead of a result; null: it is a result.
 * @param {string} result
 * @returns {string | null}
 */
export function errorIn(result) {
  try {
    const value = JSON.parse(result);
    const isError = typeof value?.error === "string" && Object.keys(value).length === 1;
    return isError ? value.error : null;
  } catch {
    return null;
  }
}

/** @param {unknown} value */
function shown(value) {
  return typeof value === "string" ? value : JSON.stringify(value);
}
