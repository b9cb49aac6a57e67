// @ts-check
/**
 * What form a person wants answers in: what they typed, and what that asks the model for.
 *
 * Pure. Whether a schema or pattern is supported, the model says; here only what is no JSON is refused.
 *
 * @module
 */

/** @typedef {import("./protocol.js").ResponseFormat} ResponseFormat */

/**
 * Both texts are kept, so that trying the other one loses nothing.
 * @typedef {object} FormatChoice
 * @property {"none" | "json_schema" | "regex"} kind
 * @property {string} schema  JSON
 * @property {string} pattern
 */

/** @type {FormatChoice} */
export const NO_FORMAT = { kind: "none", schema: "", pattern: "" };

/** @type {ReadonlyArray<{value: FormatChoice["kind"], label: string}>} */
export const FORMAT_KINDS = [
  { value: "none", label: "Any" },
  { value: "json_schema", label: "JSON schema" },
  { value: "regex", label: "Pattern" },
];

/**
 * @param {FormatChoice} choice
 * @returns {{format: ResponseFormat | null, problem?: undefined} | {format?: undefined, problem: string}}
 */
export function readFormat({ kind, schema, pattern }) {
  if (kind === "none") return { format: null };
  if (kind === "regex") {
    if (pattern === "") return { problem: "Write a regular expression that whole answers have to fit." };
    return { format: { type: "regex", pattern } };
  }
  if (schema.trim() === "") return { problem: "Write a JSON schema that answers have to fit." };
  try {
    const value = JSON.parse(schema);
    const isObject = typeof value === "object" && value !== null && !Array.isArray(value);
    if (isObject || typeof value === "boolean") return { format: { type: "json_schema", schema: value } };
    return { problem: "A schema is a JSON object, such as {“type”: “array”}." };
  } catch (error) {
    return { problem: `The schema is no JSON: ${error instanceof Error ? error.message : error}` };
  }
}

/**
 * @param {any} stored
 * @returns {FormatChoice}
 */
export function restoreFormat(stored) {
  const kind = FORMAT_KINDS.find(({ value }) => value === stored?.kind)?.value;
  if (kind === undefined || typeof stored.schema !== "string" || typeof stored.pattern !== "string") {
    return NO_FORMAT;
  }
  return { kind, schema: stored.schema, pattern: stored.pattern };
}
