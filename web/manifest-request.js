// @ts-check
/**
 * Asks a bundle's host for its manifest, for a bounded time, and names what comes instead of one.
 *
 * Knows neither what a manifest says nor what a browser has kept.
 *
 * @module
 */

import { readManifest } from "./bundle-manifest.js";
import { counted } from "./byte-stream.js";
import { ManifestError, PartMissingError } from "./errors.js";
import { requestPart } from "./part-request.js";
import { watchForStall } from "./stall.js";

/** @typedef {import("./part-request.js").Fetch} Fetch */

/**
 * @param {Fetch} fetch
 * @param {string} url  of the manifest
 * @param {{signal: AbortSignal, stallMs: number}} limits
 * @returns {Promise<string>}
 * @throws {PartMissingError | ManifestError}  or what the signal was aborted with
 */
export async function requestManifest(fetch, url, { signal, stallMs }) {
  const stall = watchForStall(signal, stallMs);
  try {
    const { response } = await requestPart(fetch, url, "manifest.json", {
      cache: "no-cache",
      signal: stall.signal,
    });
    return await readManifest(counted(response, stall.progress), url).catch((cause) => brokenOff(url, cause));
  } catch (error) {
    signal.throwIfAborted();
    throw error;
  } finally {
    stall.stop();
  }
}

/**
 * @param {string} url
 * @param {unknown} cause
 * @returns {never}
 */
function brokenOff(url, cause) {
  if (cause instanceof ManifestError) throw cause;
  throw new PartMissingError(`manifest.json broke off while it came from ${url}: ${cause}`, {
    expected: "the whole file",
    remedy: "Check the connection, then try again.",
    cause,
  });
}
