// @ts-check
/**
 * Tells when a worker has died: it holds a lock for as long as it lives, and the browser gives it to the next in line.
 *
 * A worker that the browser ends (out of memory, say) sends no event. Without the Web Locks API nobody is told.
 *
 * @module
 */

/**
 * In the worker: resolves when the lock is held, or cannot be had.
 * @param {string} name  of the worker
 * @param {Pick<LockManager, "request"> | undefined} [locks]
 * @returns {Promise<void>}
 */
export function holdLife(name, locks = globalThis.navigator?.locks) {
  if (locks === undefined) return Promise.resolve();
  return new Promise((resolve) => {
    locks
      .request(name, () => {
        resolve();
        return new Promise(() => {}); // until the worker ends
      })
      .catch(() => resolve()); // a browser that keeps nothing refuses locks too, to the page as well
  });
}

/**
 * In the page, once the worker holds its lock.
 * @param {string} name  of the worker
 * @param {() => void} onDeath
 * @param {Pick<LockManager, "request"> | undefined} [locks]
 * @returns {() => void}  ends the watch
 */
export function watchLife(name, onDeath, locks = globalThis.navigator?.locks) {
  const watch = new AbortController();
  let watching = true;
  locks
    ?.request(name, { signal: watch.signal }, () => {
      if (watching) onDeath();
    })
    .catch(() => {}); // the watch was ended
  return () => {
    watching = false;
    watch.abort();
  };
}
