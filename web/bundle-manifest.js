// @ts-check
/**
 * Reads a bundle's manifest and refuses one that cannot be used, before anything else is fetched.
 *
 * Follows docs/contracts.md, "Bundle, format 1". Knows no network and no storage.
 *
 * @module
 */

import { readText } from "./byte-stream.js";
import { FormatVersionError, ManifestError } from "./errors.js";
import { checkFile, checkGraph, checkModel, isObject, show } from "./manifest-values.js";

const FORMAT = 1;
/** Hundreds of times what a manifest has: a host that sends without end is not to fill memory. */
const MAX_BYTES = 16 * 1024 * 1024;
const OBJECTS = ["model", "generation", "tokenizer", "chat_template", "weights", "graphs", "quantization"];
const KEYS = [
  "name",
  "model",
  "thinking",
  "generation",
  "tokenizer",
  "chat_template",
  "weights",
  "graphs",
  "quantization",
];
/**
 * The layouts of weights that format 1 has; other bytes would be read as wrong weights, without an error.
 *
 * @type {Record<string, Array<number | boolean>>}
 */
const QUANTIZATION = { bits: [4], head_bits: [4, 8], block_size: [16, 32, 64, 128], symmetric: [true] };

/** @typedef {{file: string, bytes: number, sha256: string}} FileEntry */
/**
 * @typedef {object} ExpandedTensor  one linear weight, see docs/contracts.md, "Graphs"
 * @property {string} name
 * @property {number} rows  N, outputs
 * @property {number} columns  K, inputs
 * @property {number} bits  of a code: 4 or 8
 * @property {number} block_size  weights that share a scale
 * @property {number} codes_offset  into weights.bin
 * @property {number} scales_offset  into weights.bin
 * @property {number} weight_offset  into expanded.bin
 * @property {number} weight_scales_offset  into expanded.bin
 * @property {number} [input_factors_offset]  into weights.bin
 */
/** @typedef {{external_data: string, bytes: number, tensors: ExpandedTensor[]}} Expanded */
/**
 * @typedef {FileEntry & {
 *   external_data: string, key_value_dtype: "float32" | "float16", required_features: string[],
 *   largest_binding_bytes: number, storage_buffers: number, candidates: number, verify_tokens?: number,
 *   expanded?: Expanded,
 * }} GraphEntry
 */
/**
 * What a model says first, not looked at yet.
 * @typedef {object} TokenRecord
 * @property {any} prompts
 * @property {Record<string, any>} graphs
 */
/**
 * @typedef {object} Manifest
 * @property {number} format
 * @property {string} name
 * @property {{vocab_size: number, num_hidden_layers: number, num_key_value_heads: number, head_dim: number,
 *   max_position_embeddings: number}} model
 * @property {boolean} thinking
 * @property {import("./protocol.js").ModelDescription["generation"]} generation
 * @property {FileEntry} tokenizer
 * @property {FileEntry} chat_template
 * @property {{bytes: number, parts: FileEntry[]}} weights
 * @property {Record<string, GraphEntry>} graphs
 * @property {TokenRecord} [certificate]  from `pagelm verify`; read by first-tokens.js
 * @property {TokenRecord} [first_tokens]  from `pagelm export`; read by first-tokens.js
 */

/**
 * @param {Response} response
 * @param {string} url  for messages
 * @returns {Promise<string>}
 * @throws {ManifestError} it is longer than any manifest
 */
export async function readManifest(response, url) {
  const text = await readText(response, MAX_BYTES);
  if (text !== null) return text;
  throw manifestError(`${url} is longer than ${MAX_BYTES} bytes`, "a bundle's manifest");
}

/**
 * @param {string} text
 * @param {string} url  for messages
 * @returns {Manifest}
 * @throws {FormatVersionError | ManifestError}
 */
export function parseManifest(text, url) {
  const manifest = parseJson(text, url);
  if (manifest?.format !== FORMAT) {
    throw new FormatVersionError(`${url} has format ${show(manifest?.format)}`, {
      expected: `format ${FORMAT}, the one this page reads`,
      remedy: "Export the model again with the pagelm that made this page.",
    });
  }
  for (const key of KEYS) {
    if (!(key in manifest)) throw manifestError(`${url} has no ${key}`, `the key ${key}`);
  }
  for (const key of OBJECTS) {
    if (!isObject(manifest[key]))
      throw manifestError(`${url} has ${key} ${show(manifest[key])}`, "an object");
  }
  for (const [key, values] of Object.entries(QUANTIZATION)) {
    const found = manifest.quantization[key];
    if (!values.includes(found)) {
      throw manifestError(
        `${url} has quantization.${key} ${show(found)}`,
        `${values.join(" or ")} in format ${FORMAT}`,
      );
    }
  }
  /** @type {import("./manifest-values.js").Refuse} */
  const refuse = (problem, expected) => manifestError(`${url} ${problem}`, expected);
  checkFiles(manifest, url, refuse);
  checkModel(manifest.model, refuse);
  for (const [name, graph] of Object.entries(manifest.graphs)) checkGraph(name, graph, refuse);
  return manifest;
}

/**
 * @param {any} manifest
 * @param {string} url
 * @param {import("./manifest-values.js").Refuse} refuse
 */
function checkFiles({ weights, tokenizer, chat_template, graphs }, url, refuse) {
  if (!Array.isArray(weights.parts)) throw manifestError(`${url} has no weights.parts`, "a list of parts");
  const entries = [...weights.parts, tokenizer, chat_template, ...Object.values(graphs)];
  for (const entry of entries) checkFile(entry, refuse);
  const bytes = sumBytes(weights.parts);
  if (bytes !== weights.bytes) {
    throw manifestError(
      `${url}: the weight parts are ${bytes} bytes together`,
      `weights.bytes ${weights.bytes}`,
    );
  }
}

/**
 * @param {string} url  of a bundle, with or without its last slash
 * @returns {string} with it: what its files are relative to
 */
export function bundleFolder(url) {
  return url.endsWith("/") ? url : `${url}/`;
}

/** @param {FileEntry[]} entries */
export function sumBytes(entries) {
  return entries.reduce((total, entry) => total + entry.bytes, 0);
}

/**
 * @param {string} text
 * @param {string} url
 * @returns {any}
 */
function parseJson(text, url) {
  try {
    return JSON.parse(text);
  } catch (cause) {
    const start = text.trimStart().startsWith("<") ? "an HTML page" : "no JSON";
    throw manifestError(`${url} is ${start}`, "a bundle's manifest", cause);
  }
}

/**
 * @param {string} problem
 * @param {string} expected
 * @param {unknown} [cause]
 */
function manifestError(problem, expected, cause) {
  return new ManifestError(problem, {
    expected,
    remedy: "Export the bundle again, or check the bundle's address.",
    cause,
  });
}
