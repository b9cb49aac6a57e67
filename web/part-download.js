// @ts-check
/**
 * Brings one part of a bundle into its place in memory, over as many requests as it takes, and checks its hash.
 *
 * A cut costs what is missing where the host knows ranges, else this part; a wrong hash costs this part; silence counts as
 * a cut. All that is bounded, and each attempt waits longer. Knows neither storage nor other parts.
 *
 * @module
 */

import { chunks } from "./byte-stream.js";
import { PartAlteredError } from "./errors.js";
import { altered, brokenOff, requestPart } from "./part-request.js";
import { sha256Of } from "./sha256.js";
import { STALL_MS, watchForStall } from "./stall.js";

/** @typedef {import("./bundle-manifest.js").FileEntry} FileEntry */
/**
 * @typedef {object} RetryOptions
 * @property {number} attempts  in a row that bring nothing new, before it is given up
 * @property {number} delayMs  before the second one; doubles each time, up to 8 s
 * @property {number} stallMs  without a byte, after which a connection counts as cut
 */
/** @type {RetryOptions} */
export const RETRY = { attempts: 6, delayMs: 250, stallMs: STALL_MS };
const LONGEST_DELAY_MS = 8000;
/** A hash that is wrong this often is wrong at the host. */
const ALTERED_ATTEMPTS = 3;

/**
 * @typedef {object} Outlets
 * @property {import("./part-request.js").Fetch} fetch
 * @property {RequestCache} cache
 * @property {RetryOptions} retry
 * @property {AbortSignal} signal
 * @property {(bytes: number) => void} count  bytes that arrived; negative: that have to come again
 * @property {(received: number) => void} keep  the first `received` bytes are in place; fewer than before: start again
 * @property {(waiting: boolean) => void} waiting  whether it waits before another attempt
 */

/**
 * @param {{entry: FileEntry, url: string, target: Uint8Array<ArrayBuffer>}} part  target: exactly `entry.bytes` long
 * @param {number} received  of its first bytes, already in place
 * @param {Outlets} outlets
 * @throws {import("./errors.js").PartMissingError | PartAlteredError}
 */
export async function downloadPart(part, received, outlets) {
  const download = new Download(part, received, outlets);
  let failures = 0;
  while (true) {
    const furthest = download.furthest;
    try {
      if (await download.attempt()) return;
      // Complete, and the hash is wrong: bytes of an older visit may be to blame.
      if (++download.alterations >= ALTERED_ATTEMPTS) throw download.error;
    } catch (error) {
      outlets.signal.throwIfAborted();
      if (download.furthest > furthest) failures = 0;
      if (error === download.error || ++failures >= outlets.retry.attempts) throw error;
      await pause(failures, error, outlets);
    }
  }
}

class Download {
  /** The most that has ever been in place: only more is progress. */
  furthest;
  alterations = 0;
  /** @type {PartAlteredError | null} */
  error = null;
  #received;
  #part;
  #outlets;

  /**
   * @param {Parameters<typeof downloadPart>[0]} part
   * @param {number} received
   * @param {Outlets} outlets
   */
  constructor(part, received, outlets) {
    this.#part = part;
    this.#received = received;
    this.furthest = received;
    this.#outlets = outlets;
  }

  /**
   * @returns {Promise<boolean>} whether the part is whole; if not, its bytes are worthless
   * @throws {Error} when the connection did not bring all
   */
  async attempt() {
    const { entry, target } = this.#part;
    if (this.#received < entry.bytes || entry.bytes === 0) await this.#request();
    const sha256 = await sha256Of(target);
    if (sha256 === entry.sha256) return true;
    this.error = altered(entry, `a sha256 of ${sha256}`);
    this.#restart(0);
    return false;
  }

  async #request() {
    const { entry, url } = this.#part;
    const { fetch, cache, signal, retry } = this.#outlets;
    const stall = watchForStall(signal, retry.stallMs);
    try {
      const { response, offset } = await requestPart(fetch, url, entry.file, {
        offset: this.#received,
        cache: this.alterations > 0 ? "reload" : cache,
        signal: stall.signal,
      });
      if (offset > this.#received) {
        await response.body?.cancel();
        throw altered(entry, `only its bytes from ${offset} on`);
      }
      this.#restart(offset);
      await this.#read(response, stall.progress);
    } catch (error) {
      if (/** @type {{status?: number}} */ (error).status !== 416) throw error;
      const end = this.#received;
      this.#restart(0);
      throw altered(entry, `no bytes after ${end}`);
    } finally {
      stall.stop();
    }
  }

  /**
   * @param {Response} response
   * @param {() => void} progress
   */
  async #read(response, progress) {
    const { entry, target } = this.#part;
    const { count, keep } = this.#outlets;
    try {
      for await (const chunk of chunks(response)) {
        progress();
        if (this.#received + chunk.length > entry.bytes) {
          this.#restart(0);
          throw altered(entry, `more than ${entry.bytes} bytes`);
        }
        target.set(chunk, this.#received);
        this.#received += chunk.length;
        count(chunk.length);
        keep(this.#received);
      }
    } catch (cause) {
      if (cause instanceof PartAlteredError) throw cause;
      throw brokenOff(entry, this.#received, response, cause);
    } finally {
      this.furthest = Math.max(this.furthest, this.#received);
    }
    if (this.#received < entry.bytes) throw altered(entry, `${this.#received} bytes`);
  }

  /** @param {number} received  bytes in place that still count */
  #restart(received) {
    if (received === this.#received) return;
    this.#outlets.count(received - this.#received);
    this.#received = received;
    this.#outlets.keep(received);
  }
}

/**
 * @param {number} failures
 * @param {unknown} error
 * @param {Outlets} outlets
 */
async function pause(failures, error, { retry, signal, waiting }) {
  const asked = /** @type {{retryAfterMs?: number}} */ (error).retryAfterMs ?? 0;
  const delayMs = Math.min(LONGEST_DELAY_MS, Math.max(asked, retry.delayMs * 2 ** (failures - 1)));
  waiting(true);
  try {
    await new Promise((resolve, reject) => {
      const timer = setTimeout(resolve, delayMs);
      signal.addEventListener(
        "abort",
        () => {
          clearTimeout(timer);
          reject(signal.reason);
        },
        { once: true },
      );
    });
  } finally {
    waiting(false);
  }
}
