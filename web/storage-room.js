// @ts-check
/**
 * Whether a model fits into what this browser lets the page keep, and the sentences about models that are not kept.
 *
 * @module
 */

import { formatBytes } from "./sentences.js";

const MEMORY_ONLY = "the model is in memory only, and the next visit downloads it again.";

/** @typedef {import("./bundle-manifest.js").FileEntry} FileEntry */

/**
 * @param {FileEntry[]} entries  all that a load needs
 * @param {Map<string, number>} sizes  of what is kept, by sha256
 * @param {{quota?: number, usage?: number}} estimate  `navigator.storage.estimate()`
 * @returns {string | null} what to tell a person when it does not fit
 */
export function noRoom(entries, sizes, { quota, usage }) {
  if (quota === undefined || usage === undefined) return null;
  let missing = 0;
  const others = new Map(sizes);
  for (const { bytes, sha256 } of entries) {
    missing += Math.max(0, bytes - (sizes.get(sha256) ?? 0));
    others.delete(sha256);
  }
  const room = Math.max(0, quota - usage);
  if (missing <= room) return null;
  const deletable = [...others.values()].reduce((sum, bytes) => sum + bytes, 0);
  const advice =
    deletable === 0
      ? "Free space on this device, or allow this site to keep more."
      : `Other models take ${formatBytes(deletable)} here: deleting this site's data in the browser's settings ${
          missing <= room + deletable ? "makes room" : "helps, but is not enough"
        }.`;
  return `The model needs ${formatBytes(missing)} on this device and the browser allows ${formatBytes(room)}: ${MEMORY_ONLY} ${advice}`;
}

/** @param {unknown} cause */
export function noStorage(cause) {
  return `This browser lets the page keep no files (a private window, or storage is switched off: ${cause}): ${MEMORY_ONLY}`;
}

/** @param {unknown} cause */
export function storageFailed(cause) {
  const full = cause instanceof DOMException && cause.name === "QuotaExceededError";
  const problem = full ? "The browser's storage ran full" : `The browser's storage failed (${cause})`;
  const advice = full
    ? " Free space on this device, or delete this site's data in the browser's settings."
    : "";
  return `${problem} while the model was being kept: ${MEMORY_ONLY} What was kept before is not fetched again.${advice}`;
}
