// @ts-check
/**
 * A model bundle as the loader sees it: its manifest, and the files of one graph, wherever they come from.
 *
 * The manifest is asked of the server and, where that cannot be reached, taken as this browser has kept it; the files come
 * through a worker of their own (store-worker.js). Knows nothing about what the bytes mean.
 *
 * @module
 */

import { bundleFolder, parseManifest } from "./bundle-manifest.js";
import { ManifestError, RemoteError, WorkerError } from "./errors.js";
import { requestManifest } from "./manifest-request.js";
import { openStoreFolder } from "./part-files.js";
import { STALL_MS } from "./stall.js";
import { storedModel } from "./stored-models.js";

/** @typedef {import("./bundle-manifest.js").FileEntry} FileEntry */
/** @typedef {import("./bundle-manifest.js").ExpandedTensor} ExpandedTensor */
/** @typedef {import("./bundle-manifest.js").Expanded} Expanded */
/** @typedef {import("./bundle-manifest.js").GraphEntry} GraphEntry */
/** @typedef {import("./bundle-manifest.js").Manifest} Manifest */
/** @typedef {import("./part-request.js").Fetch} Fetch */
/** @typedef {import("./obtain-files.js").Obtained} Obtained */
/** @typedef {import("./protocol.js").Transfer} Transfer */
/** @typedef {import("./protocol.js").StoreDescription} StoreDescription */
/**
 * What the store's worker is told.
 * @typedef {import("./obtain-files.js").Order & {
 *   name: string, manifestText: string, retry: Partial<import("./part-download.js").RetryOptions>}} StoreOrder
 */
/** @typedef {(order: StoreOrder, progress: (transfer: Transfer) => void, signal: AbortSignal) => Promise<Obtained>} Obtain */
/**
 * @typedef {object} BundleFiles
 * @property {Uint8Array<ArrayBuffer>} graph
 * @property {Uint8Array<ArrayBuffer>} tokenizer
 * @property {string} chatTemplate
 * @property {Uint8Array<ArrayBuffer>} weights  all parts, one after the other
 * @property {StoreDescription} store
 */
/**
 * @typedef {object} FetchOptions
 * @property {(transfer: Transfer) => void} [onProgress]
 * @property {AbortSignal} [signal]  aborting keeps what has arrived
 * @property {number} [parallelFetches]
 * @property {Partial<import("./part-download.js").RetryOptions>} [retry]
 */

// Six is what browsers open to one host over HTTP/1.1 anyway.
export const PARALLEL_FETCHES = 6;
/** Nobody has to wait longer for a silent host who could go on with the kept copy. */
const STALL_WITH_KEPT_COPY_MS = 8000;
const KEPT_COPY = "The model's server could not be reached: this is the copy that the browser has kept.";
const KEPT_INSTEAD =
  "The network did not give what the model's server would: this is the copy that the browser has kept.";
/** Answers of proxies, sign-in pages and limits on the way: the host itself says 404 or 410 where a model is gone. */
const NOT_THE_HOSTS = [401, 403, 407, 408, 429];

/**
 * @param {string} bundleUrl  the folder, with or without its last slash
 * @param {{fetch?: Fetch, obtain?: Obtain, signal?: AbortSignal}} [means]
 * @returns {Promise<Bundle>}
 */
export async function openBundle(bundleUrl, means = {}) {
  const { fetch = defaultFetch, obtain = obtainInWorker, signal = new AbortController().signal } = means;
  const folder = bundleFolder(bundleUrl);
  const url = new URL("manifest.json", folder).href;
  const kept = await keptManifest(folder);
  const stallMs = kept === null ? STALL_MS : STALL_WITH_KEPT_COPY_MS;
  try {
    const text = await requestManifest(fetch, url, { signal, stallMs });
    return new Bundle(folder, text, parseManifest(text, url), obtain);
  } catch (error) {
    const remark = whyKept(error);
    if (kept === null || remark === null) throw error;
    return new Bundle(folder, kept, parseManifest(kept, url), obtain, remark);
  }
}

/** @type {Fetch} */
const defaultFetch = (url, init) => globalThis.fetch(url, init);

/**
 * What a person should know when the kept copy is taken after this error; null: the host itself says that the model is
 * another, or none.
 * @param {unknown} error
 */
function whyKept(error) {
  const { name, status, cause } = /** @type {{name?: string, status?: number, cause?: unknown}} */ (error);
  if (name === "ManifestError" && cause instanceof SyntaxError) return KEPT_INSTEAD;
  if (name !== "PartMissingError") return null;
  if (status === undefined || status >= 500) return KEPT_COPY;
  return NOT_THE_HOSTS.includes(status) ? KEPT_INSTEAD : null;
}

/**
 * @param {string} folder
 * @returns {Promise<string | null>}
 */
async function keptManifest(folder) {
  try {
    return (await storedModel(await openStoreFolder(), folder))?.manifest ?? null;
  } catch {
    return null; // no storage here: then what the server did not say is the error
  }
}

export class Bundle {
  #obtain;
  #remark;

  /**
   * @param {string} folder  URL ending in "/"
   * @param {string} manifestText  as served, for the runtime to read by itself
   * @param {Manifest} manifest
   * @param {Obtain} obtain
   * @param {string | null} [remark]  what a person should know about where the manifest came from
   */
  constructor(folder, manifestText, manifest, obtain, remark = null) {
    this.folder = folder;
    this.manifestText = manifestText;
    this.manifest = manifest;
    this.#obtain = obtain;
    this.#remark = remark;
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
   * Brings everything that one backend needs.
   *
   * @param {GraphEntry} graph
   * @param {FetchOptions} [options]
   * @returns {Promise<BundleFiles>}
   */
  async fetchAll(graph, options = {}) {
    const { tokenizer, chat_template, weights } = this.manifest;
    const obtained = await this.#bring([graph, tokenizer, chat_template], weights.parts, options);
    const [graphBytes, tokenizerBytes, template] = obtained.files;
    return {
      graph: graphBytes,
      tokenizer: tokenizerBytes,
      chatTemplate: new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(template),
      weights: obtained.weights,
      store: this.#describe(obtained.store),
    };
  }

  /**
   * Another graph over the weights that are there already.
   *
   * @param {GraphEntry} graph
   * @param {FetchOptions} [options]
   */
  async fetchGraph(graph, options = {}) {
    const { files } = await this.#bring([graph], [], options);
    return files[0];
  }

  /**
   * @param {FileEntry[]} files
   * @param {FileEntry[]} weights
   * @param {FetchOptions} options
   */
  #bring(files, weights, { onProgress = () => {}, signal, parallelFetches = PARALLEL_FETCHES, retry = {} }) {
    const order = {
      folder: this.folder,
      name: this.manifest.name,
      manifestText: this.manifestText,
      files: files.map(({ file, bytes, sha256 }) => ({ file, bytes, sha256 })),
      weights,
      parallelFetches,
      retry,
    };
    return this.#obtain(order, onProgress, signal ?? new AbortController().signal);
  }

  /** @param {StoreDescription} store */
  #describe({ place, reason }) {
    return { place, reason: [this.#remark, reason].filter((text) => text !== null).join(" ") || null };
  }
}

/** @type {Obtain} */
function obtainInWorker(order, onProgress, signal) {
  signal.throwIfAborted();
  const worker = new Worker(new URL("./store-worker.js", import.meta.url), {
    type: "module",
    name: "pagelm store",
  });
  const cancel = () => worker.postMessage({ kind: "cancel" });
  signal.addEventListener("abort", cancel);
  /** @type {Promise<Obtained>} */
  const obtained = new Promise((resolve, reject) => {
    worker.onmessage = ({ data }) => {
      if (data.kind === "progress") onProgress(data.transfer);
      else if (data.kind === "files") resolve(data.obtained);
      // The worker answers a cancel when all that has arrived is kept.
      else reject(signal.aborted ? signal.reason : new RemoteError(data.error));
    };
    worker.onerror = (event) => reject(brokenWorker(event.message));
    worker.onmessageerror = () => reject(brokenWorker("its answer did not arrive"));
    worker.postMessage({ kind: "obtain", order });
  });
  return obtained.finally(() => {
    signal.removeEventListener("abort", cancel);
    worker.terminate();
  });
}

/** @param {string | undefined} message */
function brokenWorker(message) {
  return new WorkerError(
    `the worker that fetches the model failed: ${message || "it could not be started"}`,
    {
      expected: "room for another worker, and its file store-worker.js",
      remedy: "Close other tabs and reload; if it stays, build the site again.",
    },
  );
}
