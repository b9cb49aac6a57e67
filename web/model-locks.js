// @ts-check
/**
 * The Web Locks that say what happens to kept models: who loads one, who uses it, who writes a part of it.
 *
 * The browser lets go of them when their tab or worker ends, however it ends. Names: docs/contracts.md, "Store".
 *
 * @module
 */

/** Held by whoever writes or deletes an entry. */
export const MODELS_LOCK = "pagelm.models";

/**
 * Held by whoever writes or deletes a part.
 * @param {string} sha256
 */
export function partLock(sha256) {
  return `pagelm.part.${sha256}`;
}

/**
 * Shared by all who load the model or check it; who deletes it has it alone.
 * @param {string} url  the bundle's folder
 */
export function loadLock(url) {
  return `pagelm.load ${url}`;
}

/**
 * @template Result
 * @param {string} url  the bundle's folder
 * @param {() => Promise<Result>} work  during which nobody deletes it
 * @returns {Promise<Result>}
 */
export async function whileLoading(url, work) {
  let begun = false;
  try {
    return await navigator.locks.request(loadLock(url), { mode: "shared" }, () => {
      begun = true;
      return work();
    });
  } catch (error) {
    if (begun) throw error;
    return work(); // a browser that refuses locks keeps no models either
  }
}

/** @param {string} url  the bundle's folder */
function useLock(url) {
  return `pagelm.use ${url}`;
}

/**
 * In a worker that loads a model: says that it uses it, until the worker ends.
 * @param {string} url  the bundle's folder
 * @param {Pick<LockManager, "request"> | undefined} [locks]
 */
export function holdUse(url, locks = globalThis.navigator?.locks) {
  // Who refuses locks keeps no models that could be deleted.
  locks?.request(useLock(url), { mode: "shared" }, () => new Promise(() => {})).catch(() => {});
}

/**
 * How many workers use each model, in all tabs of this origin.
 * @param {readonly string[]} urls  the bundles' folders
 * @returns {Promise<number[]>}
 */
export async function countUsers(urls) {
  const { held = [] } = await navigator.locks.query();
  return urls.map((url) => held.filter(({ name }) => name === useLock(url)).length);
}
