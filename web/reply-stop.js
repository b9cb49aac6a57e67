// @ts-check
/**
 * The wish to end a reply, whether it runs or waits for a client to run on.
 *
 * @module
 */

/** @typedef {AsyncIterable<import("./protocol.js").GenerationEvent> & {cancel: () => void}} RunningGeneration */

export class ReplyStop {
  #isAsked = false;
  /** @type {RunningGeneration | null} */ #running = null;
  /** @type {(none: null) => void} */ #resolve = () => {};

  constructor() {
    /** Resolves when it is wished for. @type {Promise<null>} */
    this.asked = new Promise((resolve) => {
      this.#resolve = resolve;
    });
  }

  ask() {
    this.#isAsked = true;
    this.#resolve(null);
    this.#running?.cancel();
  }

  /** @param {RunningGeneration} running  what the wish is for now */
  of(running) {
    this.#running = running;
    if (this.#isAsked) running.cancel();
    return running;
  }
}
