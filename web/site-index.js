// @ts-check
/**
 * Reads site.json, the index of a built site: its models, and where Pyodide, onnxruntime-web and the Python files are.
 *
 * Follows docs/contracts.md, "Site". Addresses are relative to site.json, so a site works from any folder of any host.
 *
 * @module
 */

import { SiteError } from "./errors.js";
import { STALL_MS, watchForStall } from "./stall.js";

/** @typedef {{module: string, loader: string, binary: string}} OnnxRuntimeBuild */
/**
 * @typedef {object} Site
 * @property {string} version
 * @property {{pyodide: string, module: string, standard_library: string, lock: string, wheels: string,
 *   packages: string[], fetches: string[]}} python
 * @property {{builds: Record<"wasm" | "jspi" | "asyncify", OnnxRuntimeBuild>}} onnxruntime_web
 * @property {Record<string, {bytes: number}>} files
 * @property {string} default_model
 * @property {SiteModel[]} models
 */
/** @typedef {import("./page-options.js").SiteModel} SiteModel */

export class SiteIndex {
  #url;

  /**
   * @param {Site} site
   * @param {string} url  of site.json
   */
  constructor(site, url) {
    this.site = site;
    this.#url = url;
  }

  /**
   * @param {string} path  as site.json has it
   * @returns {string} its address
   */
  at(path) {
    return new URL(path, this.#url).href;
  }

  /** @param {string[]} paths */
  bytesOf(paths) {
    return paths.reduce((sum, path) => sum + (this.site.files[path]?.bytes ?? 0), 0);
  }
}

/**
 * @param {string} url  of site.json
 * @param {AbortSignal} [signal]  ends it with its reason
 * @returns {Promise<SiteIndex>}
 */
export async function fetchSiteIndex(url, signal = new AbortController().signal) {
  const remedy =
    "Check that the server runs; if it does, build the site again with `pagelm site` and serve the whole folder.";
  const stall = watchForStall(signal, STALL_MS);
  try {
    const response = await fetch(url, { signal: stall.signal });
    if (!response.ok) throw new Error(`HTTP status ${response.status}`);
    const site = await response.json();
    if (site.format !== 1) throw new Error(`format ${JSON.stringify(site.format)}`);
    return new SiteIndex(site, url);
  } catch (cause) {
    signal.throwIfAborted();
    const why = cause instanceof Error ? cause.message : cause;
    throw new SiteError(`${url} cannot be used: ${why}`, {
      expected: "a site index of format 1",
      remedy,
      cause,
    });
  } finally {
    stall.stop();
  }
}
