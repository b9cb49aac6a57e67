// @ts-check
/**
 * What the values of a manifest may be, where something is computed from them: sizes of buffers, addresses of files, limits
 * of a device. The same rules as `pagelm.manifest`, which reads it again only when everything has been fetched.
 *
 * @module
 */

/** Most tokens whose candidates one run may give: each takes memory in every run. */
const MAX_VERIFY_TOKENS = 64;
const SHA256 = /^[0-9a-f]{64}$/;
/** Inside the bundle, whatever the folder's address is. */
const FILE = /^[A-Za-z0-9_-][A-Za-z0-9._-]*(?:\/[A-Za-z0-9_-][A-Za-z0-9._-]*)*$/;
const MODEL_COUNTS = [
  "vocab_size",
  "num_hidden_layers",
  "num_key_value_heads",
  "head_dim",
  "max_position_embeddings",
];
const KEY_VALUE_DTYPES = ["float32", "float16"];

/** @typedef {(problem: string, expected: string) => Error} Refuse */

/**
 * @param {any} value
 * @param {number} [least]
 */
function isCount(value, least = 1) {
  return Number.isSafeInteger(value) && value >= least;
}

/**
 * @param {any} model
 * @param {Refuse} refuse
 */
export function checkModel(model, refuse) {
  for (const key of MODEL_COUNTS) {
    if (!isCount(model[key])) throw refuse(`has model.${key} ${show(model[key])}`, "a whole number above 0");
  }
}

/**
 * @param {string} name
 * @param {any} graph
 * @param {Refuse} refuse
 */
export function checkGraph(name, graph, refuse) {
  /** @type {[string, boolean, string][]} */
  const rules = [
    ["key_value_dtype", KEY_VALUE_DTYPES.includes(graph.key_value_dtype), KEY_VALUE_DTYPES.join(" or ")],
    ["required_features", isTexts(graph.required_features), "a list of texts"],
    ["largest_binding_bytes", isCount(graph.largest_binding_bytes, 0), "a whole number"],
    ["storage_buffers", isCount(graph.storage_buffers, 0), "a whole number"],
    ["candidates", isCount(graph.candidates), "a whole number above 0"],
    ["verify_tokens", mayVerify(graph.verify_tokens), `2 to ${MAX_VERIFY_TOKENS}, or none`],
  ];
  for (const [key, isRight, expected] of rules) {
    if (!isRight) throw refuse(`has graphs.${name}.${key} ${show(graph[key])}`, expected);
  }
}

/** @param {any} value */
function isTexts(value) {
  return Array.isArray(value) && value.every((text) => typeof text === "string");
}

/** @param {any} count */
function mayVerify(count) {
  return count === undefined || (isCount(count, 2) && count <= MAX_VERIFY_TOKENS);
}

/**
 * Hashes become names of files in the browser's storage, names become addresses, and sizes become buffers.
 * @param {any} entry
 * @param {Refuse} refuse
 */
export function checkFile(entry, refuse) {
  const { file, bytes, sha256 } = entry ?? {};
  const described = isObject(entry)
    ? `file ${show(file)}, bytes ${show(bytes)}, sha256 ${show(sha256)}`
    : show(entry);
  if (typeof file !== "string" || !isCount(bytes, 0) || !SHA256.test(sha256)) {
    throw refuse(`describes a file as ${described}`, "file, bytes and a sha256 of 64 hexadecimal digits");
  }
  if (!FILE.test(file))
    throw refuse(`describes a file as ${described}`, "a path inside the bundle, without ..");
}

/** @param {unknown} value */
export function isObject(value) {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/**
 * A value in a message: whole where it is one, since writing out lists in lists may take more stack than there is.
 *
 * @param {unknown} value
 */
export function show(value) {
  if (Array.isArray(value)) return "a list";
  return isObject(value) ? "an object" : String(JSON.stringify(value)).slice(0, 200);
}
