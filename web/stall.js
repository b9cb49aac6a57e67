// @ts-check
/**
 * Silence as a fault: a host that takes a connection and says nothing, or stops in the middle.
 *
 * Knows neither what is fetched nor what is done about it.
 *
 * @module
 */

/** Without a byte for so long a connection counts as cut. */
export const STALL_MS = 30_000;

/**
 * A signal that also aborts when nothing came for too long.
 *
 * @param {AbortSignal} signal
 * @param {number} stallMs
 */
export function watchForStall(signal, stallMs) {
  const stalled = new AbortController();
  const giveUp = () => stalled.abort(new DOMException(`nothing came for ${stallMs} ms`, "TimeoutError"));
  const end = () => stalled.abort(signal.reason);
  let timer = setTimeout(giveUp, stallMs);
  signal.addEventListener("abort", end, { once: true });
  if (signal.aborted) end();
  return {
    signal: stalled.signal,
    progress: () => {
      clearTimeout(timer);
      timer = setTimeout(giveUp, stallMs);
    },
    stop: () => {
      clearTimeout(timer);
      signal.removeEventListener("abort", end);
    },
  };
}
