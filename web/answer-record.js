// @ts-check
/**
 * What one reply has said so far, so that it can be interrupted anywhere and go on in another worker as if nothing had been.
 *
 * Follows docs/contracts.md, "Page ↔ worker" (`said`). Knows no worker.
 *
 * @module
 */

/** @typedef {import("./protocol.js").GenerateOptions} GenerateOptions */
/** @typedef {import("./protocol.js").GenerationEvent} GenerationEvent */

/**
 * The text of a reply from here on is told once more: it is cut to so many characters, and so many calls.
 * @typedef {{kind: "cutBack", reasoning: number, answer: number, calls: number}} CutBack
 */

/** How far one reply is certain: which tokens were said, and how much of what was told they make. */
export class AnswerRecord {
  #options;
  /** @type {number[]} */ #said = [];
  #certain = { reasoning: 0, answer: 0, calls: 0 };
  #told = { reasoning: 0, answer: 0, calls: 0 };
  #turnsDropped = 0;

  /** @param {GenerateOptions} options  what is asked; it gets a seed, without which nobody could say the same again */
  constructor({ sampling, ...options }) {
    const seed = sampling.seed ?? crypto.getRandomValues(new Uint32Array(1))[0];
    this.#options = { ...options, sampling: { ...sampling, seed } };
  }

  /**
   * What to ask for the reply, or for the rest of it.
   * @returns {GenerateOptions}
   */
  get request() {
    return this.#said.length === 0 ? this.#options : { ...this.#options, said: [...this.#said] };
  }

  /**
   * @param {GenerationEvent} event
   * @returns {GenerationEvent | null}  what is new of it
   */
  take(event) {
    // These tokens come before what this event tells, which is told again if it is the last one.
    if (event.said) {
      this.#said.push(...event.said);
      this.#certain = { ...this.#told };
    }
    if (event.kind === "reasoning") this.#told.reasoning += event.text.length;
    if (event.kind === "text") this.#told.answer += event.text.length;
    if (event.kind === "toolCall") this.#told.calls++;
    return event.kind === "turnsDropped" ? this.#moreDropped(event) : event;
  }

  /**
   * The reply was interrupted: the rest of it is told again from here.
   * @returns {CutBack}
   */
  cutBack() {
    this.#told = { ...this.#certain };
    return { kind: "cutBack", ...this.#certain };
  }

  /** @param {Extract<GenerationEvent, {kind: "turnsDropped"}>} event  of all messages that were sent, each time */
  #moreDropped(event) {
    const messages = event.messages - this.#turnsDropped;
    if (messages <= 0) return null;
    this.#turnsDropped = event.messages;
    return { ...event, messages };
  }
}
