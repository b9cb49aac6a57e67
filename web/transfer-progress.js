// @ts-check
/**
 * Counts the bytes of a load: how many are there, how fast they come, how long it will take, and what it waits for.
 *
 * Pure but for the clock, which is given. Bytes from this device's store count as loaded, not as speed.
 *
 * @module
 */

const WINDOW_MS = 4000;
/** Shorter waits are part of any download, and naming them would flicker. */
const NAMED_WAIT_MS = 500;

/** @typedef {Omit<import("./protocol.js").Transfer, "reason">} Figures */
/** @typedef {"another-tab" | "connection"} WaitingFor */

export class TransferProgress {
  #totalBytes;
  #now;
  #loadedBytes = 0;
  #storedBytes = 0;
  /** @type {Array<{at: number, bytes: number}>} what arrived lately */
  #arrivals = [];
  /** @type {Map<object, {what: WaitingFor | "fetching", since: number}>} */
  #lanes = new Map();

  /**
   * @param {number} totalBytes
   * @param {() => number} now  ms
   */
  constructor(totalBytes, now = () => performance.now()) {
    this.#totalBytes = totalBytes;
    this.#now = now;
  }

  /** @param {number} bytes  that this device had */
  addStored(bytes) {
    this.#loadedBytes += bytes;
    this.#storedBytes += bytes;
  }

  /** @param {number} bytes  from the network; negative: they have to come again */
  addFetched(bytes) {
    this.#loadedBytes += bytes;
    if (bytes > 0) this.#arrivals.push({ at: this.#now(), bytes });
  }

  /**
   * @param {object} lane
   * @param {WaitingFor | "fetching" | "nothing"} what  it does from now on
   */
  set(lane, what) {
    if (what === "nothing") this.#lanes.delete(lane);
    else this.#lanes.set(lane, { what, since: this.#now() });
  }

  /** @returns {Figures} */
  snapshot() {
    const bytesPerSecond = this.#rate();
    const missing = this.#totalBytes - this.#loadedBytes;
    return {
      loadedBytes: this.#loadedBytes,
      totalBytes: this.#totalBytes,
      storedBytes: this.#storedBytes,
      bytesPerSecond,
      secondsLeft: bytesPerSecond && missing > 0 ? missing / bytesPerSecond : null,
      waitingFor: this.#waitingFor(),
    };
  }

  /** Over the last seconds; null until there is something to divide. */
  #rate() {
    const now = this.#now();
    const first = this.#arrivals.findIndex(({ at }) => now - at <= WINDOW_MS);
    this.#arrivals.splice(0, first === -1 ? this.#arrivals.length : first);
    if (this.#arrivals.length < 2) return null;
    const bytes = this.#arrivals.reduce((sum, arrival) => sum + arrival.bytes, 0);
    const elapsed = now - this.#arrivals[0].at;
    return elapsed > 0 ? (bytes * 1000) / elapsed : null;
  }

  #waitingFor() {
    const lanes = [...this.#lanes.values()];
    if (lanes.some(({ what }) => what === "fetching")) return null;
    const long = lanes.find(({ since }) => this.#now() - since >= NAMED_WAIT_MS);
    return long ? /** @type {WaitingFor} */ (long.what) : null;
  }
}
