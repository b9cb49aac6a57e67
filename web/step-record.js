// @ts-check
/**
 * A decoder's device that writes down each step: what went in, and the two likeliest tokens that came out.
 *
 * What a page computes can so be compared with what another machine computes, token by token. Only when `load` asks for
 * it, as with instrument.js.
 *
 * @module
 */

/** @typedef {import("./decoder.js").Device} Device */
/** @typedef {import("./protocol.js").Step} Step */

const KEPT = 2;

/** @implements {Device} */
export class RecordedDevice {
  #device;
  /** @type {Step[]} */
  steps = [];

  /** @param {Device} device */
  constructor(device) {
    this.#device = device;
  }

  get keyValueBytes() {
    return this.#device.keyValueBytes;
  }

  /**
   * @param {ArrayLike<number>} inputIds
   * @param {number} position
   */
  async run(inputIds, position) {
    const result = await this.#device.run(inputIds, position);
    const candidates = result.candidates.length / 2;
    const kept = Math.min(KEPT, candidates);
    this.steps.push({
      position,
      inputIds: Array.from(inputIds),
      logits: [...result.candidates.subarray(0, kept)],
      ids: [...result.candidates.subarray(candidates, candidates + kept)],
    });
    return result;
  }

  /** @param {number} length */
  truncate(length) {
    this.#device.truncate(length);
  }

  /** @param {number} length */
  logits(length) {
    return this.#device.logits(length);
  }

  close() {
    return this.#device.close();
  }
}
