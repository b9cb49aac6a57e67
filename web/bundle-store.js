// @ts-check
/**
 * Fetches a model bundle: manifest, one graph, tokenizer, template and all weight parts, each checked against its hash.
 *
 * Parts arrive in parallel, straight into their place in one buffer, so weights exist once in memory. Follows
 * docs/contracts.md, "Bundle, format 1". Knows nothing about what the bytes mean, and keeps nothing on disk.
 *
 * @module
 */

import { chunks } from "./byte-stream.js";
import {
  FormatVersionError,
  ManifestError,
  PartAlteredError,
  PartMissingError,
  SiteError,
} from "./errors.js";
import { allocateBytes } from "./memory.js";

const FORMAT = 1;
/**
 * The layouts of weights that format 1 has; other bytes would be read as wrong weights, without an error.
 *
 * @type {Record<string, Array<number | boolean>>}
 */
const QUANTIZATION = { bits: [4], head_bits: [4, 8], block_size: [16, 32, 64, 128], symmetric: [true] };
/** Most tokens whose candidates one run may give: each takes memory in every run. */
const MAX_VERIFY_TOKENS = 64;
// Six is what browsers open to one host over HTTP/1.1 anyway.
const PARALLEL_FETCHES = 6;

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
 */
/** @typedef {(loadedBytes: number, totalBytes: number) => void} OnBytes */
/** @typedef {(url: string, init?: {signal: AbortSignal}) => Promise<Response>} Fetch */

/**
 * @param {string} bundleUrl  the folder, with or without its last slash
 * @param {Fetch} [fetch]
 * @returns {Promise<Bundle>}
 */
export async function openBundle(bundleUrl, fetch = (url, init) => globalThis.fetch(url, init)) {
  const folder = bundleUrl.endsWith("/") ? bundleUrl : `${bundleUrl}/`;
  const url = new URL("manifest.json", folder).href;
  const response = await request(fetch, url, "manifest.json");
  const text = await response.text();
  return new Bundle(folder, text, parseManifest(text, url), fetch);
}

/**
 * @param {string} text
 * @param {string} url
 * @returns {Manifest}
 */
function parseManifest(text, url) {
  const manifest = parseJson(text, url);
  if (manifest?.format !== FORMAT) {
    throw new FormatVersionError(`${url} has format ${JSON.stringify(manifest?.format)}`, {
      expected: `format ${FORMAT}, the one this page reads`,
      remedy: "Export the model again with the pagelm that made this page.",
    });
  }
  for (const key of [
    "name",
    "model",
    "thinking",
    "generation",
    "tokenizer",
    "chat_template",
    "weights",
    "graphs",
    "quantization",
  ]) {
    if (!(key in manifest)) throw manifestError(`${url} has no ${key}`, `the key ${key}`);
  }
  for (const [key, values] of Object.entries(QUANTIZATION)) {
    const found = manifest.quantization?.[key];
    if (!values.includes(found)) {
      throw manifestError(
        `${url} has quantization.${key} ${JSON.stringify(found)}`,
        `${values.join(" or ")} in format ${FORMAT}`,
      );
    }
  }
  for (const [name, entry] of Object.entries(manifest.graphs)) {
    const count = entry?.verify_tokens ?? MAX_VERIFY_TOKENS;
    if (!(Number.isInteger(count) && count >= 2 && count <= MAX_VERIFY_TOKENS)) {
      throw manifestError(
        `${url} has graphs.${name}.verify_tokens ${JSON.stringify(count)}`,
        `2 to ${MAX_VERIFY_TOKENS}, or none`,
      );
    }
  }
  if (!Array.isArray(manifest.weights.parts))
    throw manifestError(`${url} has no weights.parts`, "a list of parts");
  const bytes = sum(manifest.weights.parts);
  if (bytes !== manifest.weights.bytes) {
    throw manifestError(
      `${url}: the weight parts are ${bytes} bytes together`,
      `weights.bytes ${manifest.weights.bytes}`,
    );
  }
  return manifest;
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

export class Bundle {
  #fetch;

  /**
   * @param {string} folder  URL ending in "/"
   * @param {string} manifestText  as served, for the runtime to read by itself
   * @param {Manifest} manifest
   * @param {Fetch} fetch
   */
  constructor(folder, manifestText, manifest, fetch) {
    this.folder = folder;
    this.manifestText = manifestText;
    this.manifest = manifest;
    this.#fetch = fetch;
  }

  /**
   * @param {string} name  key of the manifest's `graphs`
   * @returns {GraphEntry}
   */
  graph(name) {
    const entry = this.manifest.graphs[name];
    if (entry === undefined) {
      throw new ManifestError(`the bundle ${this.manifest.name} has no graph ${name}`, {
        expected: `one of ${Object.keys(this.manifest.graphs).join(", ")}`,
        remedy: "Export the bundle again with this graph, or choose another backend in the Settings.",
      });
    }
    return entry;
  }

  /**
   * Fetches everything that one backend needs.
   *
   * @param {GraphEntry} graph
   * @param {OnBytes} [onBytes]
   * @returns {Promise<{graph: Uint8Array<ArrayBuffer>, tokenizer: Uint8Array<ArrayBuffer>, chatTemplate: string,
   *   weights: Uint8Array<ArrayBuffer>}>}  weights: all parts, one after the other
   */
  async fetchAll(graph, onBytes = () => {}) {
    const { tokenizer, chat_template, weights } = this.manifest;
    const small = [graph, tokenizer, chat_template];
    const totalBytes = sum(small) + weights.bytes;
    let loadedBytes = 0;
    const count = (/** @type {number} */ bytes) => {
      loadedBytes += bytes;
      onBytes(loadedBytes, totalBytes);
    };
    onBytes(0, totalBytes);

    const weightBytes = allocateBytes(weights.bytes, "the model's weights");
    /** @type {Array<{entry: FileEntry, target: Uint8Array<ArrayBuffer>}>} */
    const jobs = small.map((entry) => ({ entry, target: allocateBytes(entry.bytes, entry.file) }));
    let offset = 0;
    for (const entry of weights.parts) {
      jobs.push({ entry, target: weightBytes.subarray(offset, offset + entry.bytes) });
      offset += entry.bytes;
    }
    await inParallel(jobs, PARALLEL_FETCHES, ({ entry, target }, signal) =>
      this.#fetchInto(entry, target, count, signal),
    );
    return {
      graph: jobs[0].target,
      tokenizer: jobs[1].target,
      chatTemplate: new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(jobs[2].target),
      weights: weightBytes,
    };
  }

  /**
   * @param {FileEntry} entry
   * @param {Uint8Array<ArrayBuffer>} target  exactly `entry.bytes` long
   * @param {(bytes: number) => void} count
   * @param {AbortSignal} signal
   */
  async #fetchInto(entry, target, count, signal) {
    const url = new URL(entry.file, this.folder).href;
    const response = await request(this.#fetch, url, entry.file, signal);
    let offset = 0;
    for await (const chunk of chunks(response)) {
      if (signal.aborted) return;
      if (offset + chunk.length > target.length) throw altered(entry, `more than ${entry.bytes} bytes`);
      target.set(chunk, offset);
      offset += chunk.length;
      count(chunk.length);
    }
    if (offset !== entry.bytes) throw altered(entry, `${offset} bytes`);
    const sha256 = await digest(target);
    if (sha256 !== entry.sha256) throw altered(entry, `a sha256 of ${sha256}`);
  }
}

/**
 * @param {FileEntry} entry
 * @param {string} got
 */
function altered(entry, got) {
  return new PartAlteredError(`${entry.file} arrived with ${got}`, {
    expected: `${entry.bytes} bytes with sha256 ${entry.sha256}`,
    remedy: "Reload without the cache; if it stays, copy the bundle to the server again.",
  });
}

/**
 * @param {Fetch} fetch
 * @param {string} url
 * @param {string} file  its name in messages
 * @param {AbortSignal} [signal]
 */
async function request(fetch, url, file, signal) {
  let response;
  try {
    response = await fetch(url, signal && { signal });
  } catch (cause) {
    throw new PartMissingError(`${file} could not be fetched from ${url}: ${cause}`, {
      expected: "a server that answers",
      remedy: "Check that the server still runs and that the connection is up, then reload.",
      cause,
    });
  }
  if (!response.ok) {
    throw new PartMissingError(`${file} is not at ${url}: HTTP status ${response.status}`, {
      expected: "status 200",
      remedy: "Copy the whole bundle folder to the server, or correct the bundle's address.",
    });
  }
  return response;
}

/**
 * @param {BufferSource} bytes
 * @returns {Promise<string>} sha256 in hex
 */
async function digest(bytes) {
  const subtle = globalThis.crypto?.subtle;
  if (subtle === undefined) {
    throw new SiteError("this page is not a secure context, so its files cannot be checked", {
      expected: "https, or http on localhost",
      remedy: "Open the page through https or through http://127.0.0.1.",
    });
  }
  const hash = new Uint8Array(await subtle.digest("SHA-256", bytes));
  return Array.from(hash, (byte) => byte.toString(16).padStart(2, "0")).join("");
}

/** @param {FileEntry[]} entries */
function sum(entries) {
  return entries.reduce((total, entry) => total + entry.bytes, 0);
}

/**
 * Runs `work` on every item, at most `limit` at a time; the first error stops those that run and those to come.
 *
 * @template Item
 * @param {Item[]} items
 * @param {number} limit
 * @param {(item: Item, signal: AbortSignal) => Promise<void>} work
 */
async function inParallel(items, limit, work) {
  const abort = new AbortController();
  let next = 0;
  const lane = async () => {
    while (next < items.length && !abort.signal.aborted) {
      try {
        await work(items[next++], abort.signal);
      } catch (error) {
        abort.abort();
        throw error;
      }
    }
  };
  await Promise.all(Array.from({ length: Math.min(limit, items.length) }, lane));
}
