// @ts-check
/**
 * Lets the model read what a chat begins with (system prompt, tools) while nothing is asked yet, so that the first question
 * waits for itself alone.
 *
 * A while after the last change, and once for each beginning. Knows neither chat nor DOM.
 *
 * @module
 */

/** @typedef {import("./protocol.js").CountOptions} CountOptions */
/** @typedef {{readPreface: (request: CountOptions) => Promise<unknown>}} Reader */

const QUIET_MS = 300;

/**
 * @param {() => {client: Reader, request: CountOptions} | null} read  what to read now; null: nothing, or nobody who could
 * @param {number} [quietMs]
 */
export function createPreface(read, quietMs = QUIET_MS) {
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  let timer;
  /** What was read last, or is to be. @type {{client: Reader, key: string} | null} */
  let last = null;

  return {
    /** Something may have changed. */
    request() {
      const wanted = read();
      const key = JSON.stringify(wanted?.request);
      if (wanted?.client === last?.client && key === last?.key) return;
      clearTimeout(timer);
      last = wanted && { client: wanted.client, key };
      if (wanted === null) return;
      timer = setTimeout(() => {
        // Whatever is wrong with it is said when it is sent.
        wanted.client.readPreface(wanted.request).catch(() => {});
      }, quietMs);
    },
    stop() {
      clearTimeout(timer);
    },
  };
}
