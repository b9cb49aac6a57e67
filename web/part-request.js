// @ts-check
/**
 * One request for one file of a bundle, from a byte on; and what can be wrong with the answer, by name.
 *
 * A range needs no validator here: a part that was put together from two versions has another sha256 than the manifest
 * says, and then is fetched again. If-Range would cost a preflight on another origin. Knows nothing of retries.
 *
 * @module
 */

import { PartAlteredError, PartMissingError } from "./errors.js";

/** @typedef {import("./bundle-manifest.js").FileEntry} FileEntry */
/** @typedef {(url: string, init?: RequestInit) => Promise<Response>} Fetch */

/**
 * @param {Fetch} fetch
 * @param {string} url
 * @param {string} file  its name in messages
 * @param {{offset?: number, cache?: RequestCache, signal?: AbortSignal}} [options]
 * @returns {Promise<{response: Response, offset: number}>} offset: of the first byte that comes; 0 from a host without
 *   ranges
 * @throws {PartMissingError}
 */
export async function requestPart(fetch, url, file, { offset = 0, cache = "default", signal } = {}) {
  let response;
  try {
    response = await fetch(url, {
      cache,
      ...(signal && { signal }),
      ...(offset > 0 && { headers: { Range: `bytes=${offset}-` } }),
    });
  } catch (cause) {
    throw unreachable(file, url, cause);
  }
  if (!response.ok) throw await refused(response, url, file);
  return { response, offset: response.status === 206 ? startOf(response, offset) : 0 };
}

/**
 * Browsers do not tell a host that is down from one that does not let this page read.
 *
 * @param {string} file
 * @param {string} url
 * @param {unknown} cause
 */
function unreachable(file, url, cause) {
  const { origin } = new URL(url);
  const page = globalThis.location?.origin ?? origin;
  const elsewhere = origin !== page;
  return new PartMissingError(`${file} could not be fetched from ${url}: ${cause}`, {
    expected: elsewhere ? `a server that answers, and lets pages of ${page} read` : "a server that answers",
    remedy: elsewhere
      ? `Check the connection and that ${origin} still runs; if it does, it has to send “Access-Control-Allow-Origin: ${page}” with this file, without redirecting, and the page's Content-Security-Policy has to name it (pagelm site --base-url).`
      : "Check that the server still runs and that the connection is up, then try again.",
    cause,
  });
}

/**
 * @param {Response} response
 * @param {number} asked
 */
function startOf(response, asked) {
  // Another origin may hide the header; then the sha256 has the last word.
  const range = response.headers.get("content-range");
  const start = /^bytes (\d+)-/.exec(range ?? "")?.[1];
  return start === undefined ? asked : Number(start);
}

/**
 * @param {Response} response
 * @param {string} url
 * @param {string} file
 */
async function refused(response, url, file) {
  await response.body?.cancel();
  const error = new PartMissingError(`${file} is not at ${url}: HTTP status ${response.status}`, {
    expected: "status 200",
    remedy: remedyFor(response.status),
  });
  return Object.assign(error, {
    status: response.status,
    retryAfterMs: Number(response.headers.get("retry-after") ?? 0) * 1000 || 0,
  });
}

/** @param {number} status */
function remedyFor(status) {
  if (status === 407 || status === 511) return "Sign in to the network or its proxy, then try again.";
  if (status === 401 || status === 403)
    return "Sign in where the network asks for it; if it does not, let the server give this file to everybody.";
  if (status === 408 || status === 429 || status >= 500) return "The server is in trouble: try again later.";
  return "Copy the whole bundle folder to the server, or correct the bundle's address.";
}

/**
 * @param {FileEntry} entry
 * @param {string} got
 * @param {string} [advice]
 */
export function altered(entry, got, advice = "Try again; if it stays, copy the bundle to the server again.") {
  return new PartAlteredError(`${entry.file} arrived with ${got}`, {
    expected: `${entry.bytes} bytes with sha256 ${entry.sha256}`,
    remedy: advice,
  });
}

/**
 * What broke while the body came: mostly the connection, else a Content-Encoding that the bytes do not have.
 *
 * @param {FileEntry} entry
 * @param {number} received
 * @param {Response} response
 * @param {unknown} cause
 */
export function brokenOff(entry, received, response, cause) {
  const coding = response.headers.get("content-encoding");
  const remedy = coding
    ? `The server says Content-Encoding: ${coding}; send the bundle's files as they are, without one.`
    : "Check the connection, then try again: what has arrived is not fetched again.";
  return new PartMissingError(`${entry.file} broke off after ${received} of ${entry.bytes} bytes: ${cause}`, {
    expected: "the whole file",
    remedy,
    cause,
  });
}
