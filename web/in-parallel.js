// @ts-check
/**
 * A list worked off side by side, with a bound and one end.
 *
 * @module
 */

/**
 * Runs `work` on every item, at most `limit` at a time; the first error stops those that run and those to come, and is
 * thrown when all have stopped.
 *
 * @template Item
 * @param {Item[]} items
 * @param {number} limit
 * @param {AbortSignal} outer
 * @param {(item: Item, signal: AbortSignal) => Promise<void>} work
 */
export async function inParallel(items, limit, outer, work) {
  outer.throwIfAborted();
  const abort = new AbortController();
  const stop = () => abort.abort(outer.reason);
  outer.addEventListener("abort", stop);
  let next = 0;
  const lane = async () => {
    while (next < items.length && !abort.signal.aborted) {
      try {
        await work(items[next++], abort.signal);
      } catch (error) {
        abort.abort(error);
      }
    }
  };
  await Promise.all(Array.from({ length: Math.min(limit, items.length) }, lane));
  outer.removeEventListener("abort", stop);
  abort.signal.throwIfAborted();
}
