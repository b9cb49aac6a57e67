// @ts-check
/**
 * One running generation as a page sees it: its messages become an async iterable, or an error.
 *
 * Knows no worker: `client.js` hands it what arrives.
 *
 * @module
 */

import { ProtocolError } from "./errors.js";

/** @typedef {import("./protocol.js").DoneMessage} DoneMessage */
/** @typedef {import("./protocol.js").GenerationEvent} GenerationEvent */
/** @typedef {import("./protocol.js").WorkerMessage} WorkerMessage */

/** @type {readonly string[]} */
const GENERATION_KINDS = ["turnsDropped", "prefill", "logprobs", "reasoning", "text", "toolCall", "done"];

/**
 * An async iterable of `reasoning`, `text` and finally `done`.
 *
 * Iterate once. `done` also resolves (or rejects) when nobody iterates; an error is raised in both places.
 * @implements {AsyncIterable<GenerationEvent>}
 */
export class Generation {
  /** @type {GenerationEvent[]} */ #events = [];
  /** @type {(() => void) | null} */ #wake = null;
  /** @type {Error | null} */ #error = null;
  #ended = false;
  #iterated = false;
  /** @type {() => void} */ #cancel;
  /** @type {(message: DoneMessage) => void} */ #resolve = () => {};
  /** @type {(error: Error) => void} */ #reject = () => {};

  /** @param {() => void} cancel */
  constructor(cancel) {
    this.#cancel = cancel;
    /** @type {Promise<DoneMessage>} */
    this.done = new Promise((resolve, reject) => {
      this.#resolve = resolve;
      this.#reject = reject;
    });
    // Who iterates sees the error there; without this an unread `done` would be an unhandled rejection.
    this.done.catch(() => {});
  }

  /** Asks the worker to stop after the token it is at; the stream then ends in `done` with "abort". */
  cancel() {
    if (!this.#ended) this.#cancel();
  }

  /** @param {WorkerMessage} message */
  receive(message) {
    if (!isGenerationEvent(message)) {
      this.fail(
        new ProtocolError(`The worker answered a generate with ${JSON.stringify(message.kind)}`, {
          expected: GENERATION_KINDS.join(", "),
          remedy: "Page and worker are of different versions: reload without the cache.",
        }),
      );
      return;
    }
    this.#events.push(message);
    if (message.kind === "done") {
      this.#ended = true;
      this.#resolve(message);
    }
    this.#wake?.();
  }

  /** @param {Error} error */
  fail(error) {
    this.#ended = true;
    this.#error = error;
    this.#reject(error);
    this.#wake?.();
  }

  /** @returns {AsyncGenerator<GenerationEvent, void, void>} */
  async *[Symbol.asyncIterator]() {
    if (this.#iterated) throw new TypeError("a Generation can be iterated only once");
    this.#iterated = true;
    try {
      while (true) {
        const event = this.#events.shift();
        if (event !== undefined) {
          yield event;
          if (event.kind === "done") return;
        } else if (this.#error) {
          throw this.#error;
        } else {
          await new Promise((resolve) => {
            this.#wake = () => resolve(undefined);
          });
          this.#wake = null;
        }
      }
    } finally {
      this.cancel();
    }
  }
}

/**
 * @param {WorkerMessage} message
 * @returns {message is GenerationEvent}
 */
function isGenerationEvent(message) {
  return GENERATION_KINDS.includes(message.kind);
}
