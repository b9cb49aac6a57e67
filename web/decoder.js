// @ts-check
/**
 * One sequence on one device: prefill, decode, truncate. The only thing of JavaScript that Python's engine sees.
 *
 * Keeps the length, refuses what does not fit, and lets one call run at a time; the arithmetic and the keys and values
 * are a `Device`'s (decoder-webgpu.js, decoder-wasm.js). Follows docs/contracts.md, "JavaScript: decoder". Knows
 * nothing about text or sampling.
 *
 * @module
 */

import { breathe } from "./breathe.js";
import { BackendError } from "./errors.js";

/**
 * @typedef {object} DeviceOutput
 * @property {Float64Array} candidates  K logits, then K ids, for each row; reused by the next run
 * @property {number} readBackBytes
 */
/**
 * What a backend has to do. A `run` that fails leaves its first `position` tokens as they were; more than one of
 * `rows`, the last tokens whose candidates are wanted, is asked only of graphs that give them.
 * @typedef {object} Device
 * @property {number} keyValueBytes
 * @property {(inputIds: ArrayLike<number>, position: number, rows?: number) => Promise<DeviceOutput>} run
 * @property {(length: number) => void} truncate
 * @property {(length: number) => Promise<Float32Array>} logits  of the last of `length` tokens
 * @property {() => Promise<void>} close
 */
/**
 * @typedef {object} DecoderCapabilities
 * @property {import("./protocol.js").BackendName} name
 * @property {import("./protocol.js").GraphName} graph
 * @property {number} candidates  K
 * @property {number} vocabSize
 * @property {number} maxPositions
 * @property {number} verifyTokens  most tokens of one `verify`; 0: it has none
 */

export class Decoder {
  #device;
  #length = 0;
  #lastTokenId = -1;
  /** @type {string | null} what runs now */
  #running = null;
  #closed = false;

  /**
   * @param {Device} device
   * @param {DecoderCapabilities} capabilities
   */
  constructor(device, capabilities) {
    this.#device = device;
    this.capabilities = Object.freeze({ ...capabilities });
    /** Since the last restart. */
    this.statistics = { runs: 0, readBackBytes: 0 };
  }

  /** Tokens in the cache. */
  get length() {
    return this.#length;
  }

  /** Memory that the cache takes, with the room it has to grow into. */
  get keyValueBytes() {
    return this.#device.keyValueBytes;
  }

  /**
   * @param {Int32Array} inputIds  at least one
   * @param {number} position  must equal `length`
   * @returns {Promise<Float64Array>} K logits, then K ids; valid until the next call
   */
  prefill(inputIds, position) {
    return this.#exclusively("prefill", () => this.#step(inputIds, position));
  }

  /**
   * @param {number} tokenId
   * @returns {Promise<Float64Array>} as prefill
   */
  decode(tokenId) {
    return this.#exclusively("decode", () => this.#step([tokenId], this.#length));
  }

  /**
   * As prefill, with the candidates that follow each of the tokens.
   * @param {Int32Array} inputIds  at least one, at most `verifyTokens`
   * @param {number} position  must equal `length`
   * @returns {Promise<Float64Array>} for each token K logits, then K ids; valid until the next call
   */
  verify(inputIds, position) {
    return this.#exclusively("verify", () => {
      const { verifyTokens } = this.capabilities;
      if (inputIds.length > verifyTokens) {
        throw refused(`verify of ${inputIds.length} tokens`, `at most ${verifyTokens}`);
      }
      return this.#step(inputIds, position, inputIds.length);
    });
  }

  /**
   * Forgets every token at `length` and after it.
   * @param {number} length
   */
  truncate(length) {
    this.#checkIdle("truncate");
    if (!(length >= 0 && length <= this.#length)) {
      throw refused(`truncate to ${length} tokens`, `0 to ${this.#length}, the tokens in the cache`);
    }
    if (length === this.#length) return;
    this.#device.truncate(length);
    this.#length = length;
    this.#lastTokenId = -1;
  }

  /**
   * All logits of the last step. On WASM this may run the last token again.
   * @returns {Promise<Float32Array>} vocabSize numbers, the caller's to keep
   */
  logits() {
    return this.#exclusively("logits", async () => {
      if (this.#lastTokenId < 0)
        throw refused("logits without a step to take them from", "a prefill or decode before");
      const logits = await this.#device.logits(this.#length);
      this.statistics.readBackBytes += logits.byteLength;
      return logits;
    });
  }

  /** Forgets all tokens, and what was counted. */
  restart() {
    this.truncate(0);
    this.statistics.runs = 0;
    this.statistics.readBackBytes = 0;
  }

  async close() {
    if (this.#closed) return;
    this.#checkIdle("close");
    this.#closed = true;
    await this.#device.close();
  }

  /**
   * @param {ArrayLike<number>} inputIds
   * @param {number} position
   * @param {number} [rows]
   */
  async #step(inputIds, position, rows = 1) {
    this.#checkStep(inputIds, position);
    const { candidates, readBackBytes } = await this.#device.run(inputIds, position, rows);
    this.#length = position + inputIds.length;
    this.#lastTokenId = inputIds[inputIds.length - 1];
    this.statistics.runs++;
    this.statistics.readBackBytes += readBackBytes;
    await breathe();
    return candidates;
  }

  /**
   * @param {ArrayLike<number>} inputIds
   * @param {number} position
   */
  #checkStep(inputIds, position) {
    const { vocabSize, maxPositions } = this.capabilities;
    if (position !== this.#length)
      throw refused(`a step at position ${position}`, `position ${this.#length}`);
    if (inputIds.length === 0) throw refused("a step without tokens", "at least one token");
    if (position + inputIds.length > maxPositions) {
      throw refused(
        `${position + inputIds.length} tokens`,
        `at most ${maxPositions}, the positions of this model`,
      );
    }
    for (let i = 0; i < inputIds.length; i++) {
      if (!(inputIds[i] >= 0 && inputIds[i] < vocabSize)) {
        throw refused(`token id ${inputIds[i]}`, `0 to ${vocabSize - 1}, the vocabulary of this model`);
      }
    }
  }

  /**
   * @template Result
   * @param {string} name
   * @param {() => Promise<Result>} work
   * @returns {Promise<Result>}
   */
  async #exclusively(name, work) {
    this.#checkIdle(name);
    this.#running = name;
    try {
      return await work();
    } finally {
      this.#running = null;
    }
  }

  /** @param {string} name */
  #checkIdle(name) {
    if (this.#closed) throw refused(`${name} on a closed decoder`, "an open one");
    if (this.#running) throw refused(`${name} while ${this.#running} is running`, "one call at a time");
  }
}

/**
 * @param {string} problem
 * @param {string} expected
 */
function refused(problem, expected) {
  return new BackendError(problem, {
    expected,
    remedy: "This is a fault in the program that drives the decoder.",
  });
}
