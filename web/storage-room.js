// @ts-check
/**
 * Whether a model fits into what this browser lets the page keep, and the sentences about models that are not kept.
 *
 * @module
 */

import { formatBytes } from "./sentences.js";

const MEMORY_ONLY = "the model is in memory only, and the next visit downloads it again.";
const WHERE = "in the Settings under “Stored models”";

/** @typedef {import("./bundle-manifest.js").FileEntry} FileEntry */
/** @typedef {{name: string, bytes: number}} Deletable  a kept model, and what deleting it frees */

/**
 * @param {FileEntry[]} entries  all that a load needs
 * @param {Map<string, number>} sizes  of what is kept, by sha256
 * @param {{quota?: number, usage?: number}} estimate  `navigator.storage.estimate()`
 * @param {readonly Deletable[]} others  the last used first
 * @returns {string | null} what to tell a person when it does not fit
 */
export function noRoom(entries, sizes, { quota, usage }, others) {
  if (quota === undefined || usage === undefined) return null;
  const missing = entries.reduce(
    (sum, { bytes, sha256 }) => sum + Math.max(0, bytes - (sizes.get(sha256) ?? 0)),
    0,
  );
  const room = Math.max(0, quota - usage);
  if (missing <= room) return null;
  return `The model needs ${formatBytes(missing)} on this device and the browser allows ${formatBytes(room)}: ${MEMORY_ONLY} ${advise(missing - room, others)}`;
}

/**
 * What to delete, the longest unused first.
 *
 * @param {number} lacking  bytes
 * @param {readonly Deletable[]} others
 */
function advise(lacking, others) {
  const chosen = [];
  let freed = 0;
  for (const model of others.filter(({ bytes }) => bytes > 0).reverse()) {
    if (freed >= lacking) break;
    chosen.push(model);
    freed += model.bytes;
  }
  if (chosen.length === 0) return "Free space on this device, or allow this site to keep more.";
  const deleting = `Deleting ${listModels(chosen)} ${WHERE}`;
  return freed >= lacking
    ? `${deleting} makes room.`
    : `${deleting} is not enough: free space on this device too.`;
}

/** @param {readonly Deletable[]} models */
function listModels(models) {
  return new Intl.ListFormat("en").format(models.map(({ name, bytes }) => `${name} (${formatBytes(bytes)})`));
}

/** @param {unknown} cause */
export function noStorage(cause) {
  return `This browser lets the page keep no files (a private window, or storage is switched off: ${cause}): ${MEMORY_ONLY}`;
}

/** @param {unknown} cause */
export function isFull(cause) {
  return cause instanceof DOMException && cause.name === "QuotaExceededError";
}

/**
 * @param {unknown} cause
 * @param {readonly Deletable[]} others
 */
export function storageFailed(cause, others) {
  const full = isFull(cause);
  const problem = full ? "The browser's storage ran full" : `The browser's storage failed (${cause})`;
  const deletable = others.filter(({ bytes }) => bytes > 0);
  const choice = deletable.length === 0 ? "" : `, or delete ${listModels(deletable)} ${WHERE}`;
  const advice = full ? ` Free space on this device${choice}.` : "";
  return `${problem} while the model was being kept: ${MEMORY_ONLY} What was kept before is not fetched again.${advice}`;
}
