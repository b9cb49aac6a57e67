// @ts-check
/**
 * A decoder's device that writes down each step: what went in, and the two likeliest tokens that came out. Tokens that
 * are verified are a step each.
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
   * @param {number} [rows]
   */
  async run(inputIds, position, rows = 1) {
    const result = await this.#device.run(inputIds, position, rows);
    const ids = Array.from(inputIds);
    const last = ids.length - rows;
    const length = result.candidates.length / rows;
    for (let row = 0; row < rows; row++) {
      const candidates = result.candidates.subarray(row * length, (row + 1) * length);
      const first = row === 0 ? 0 : last + row;
      this.#push(position + first, ids.slice(first, last + row + 1), candidates);
    }
    return result;
  }

  /**
   * @param {number} position
   * @param {number[]} inputIds
   * @param {Float64Array} packed  K logits, then K ids
   */
  #push(position, inputIds, packed) {
    const candidates = packed.length / 2;
    const kept = Math.min(KEPT, candidates);
    this.steps.push({
      position,
      inputIds,
      logits: [...packed.subarray(0, kept)],
      ids: [...packed.subarray(candidates, candidates + kept)],
    });
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
