// @ts-check
/**
 * Asks the model how long the next prompt is, but not at every key: a while after the last change, one question at a time.
 *
 * Knows neither chat nor DOM.
 *
 * @module
 */

/** @typedef {import("./protocol.js").CountOptions} CountOptions */
/** @typedef {import("./protocol.js").Counted} Counted */

const QUIET_MS = 250;

/**
 * @param {() => {client: {countTokens: (request: CountOptions) => Promise<Counted>}, request: CountOptions} | null} read
 *   what to ask now; null: nobody to ask
 * @param {(counted: Counted | null) => void} show  null: not known
 */
export function createContextMeter(read, show) {
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  let timer;
  let asked = 0;

  async function ask() {
    const question = read();
    if (question === null) return;
    const number = ++asked;
    /** @type {Counted | null} */
    let counted = null;
    try {
      counted = await question.client.countTokens(question.request);
    } catch {
      // Whatever is wrong with it is said when it is sent; until then its length is not known.
    }
    if (number === asked) show(counted);
  }

  return {
    request() {
      clearTimeout(timer);
      timer = setTimeout(ask, QUIET_MS);
    },
    stop() {
      clearTimeout(timer);
      asked++;
    },
  };
}
