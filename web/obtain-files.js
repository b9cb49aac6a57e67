// @ts-check
/**
 * All files of a load, side by side: each from the store if it is there and its hash is right, else from the network and
 * into the store on its way. Weights end up in one buffer, in the manifest's order.
 *
 * Of several tabs, one fetches a part and the others wait for it; who dies is taken over from. A store that cannot be had
 * or fails costs only that the files are not kept, and the result says why.
 *
 * @module
 */

import { sumBytes } from "./bundle-manifest.js";
import { inParallel } from "./in-parallel.js";
import { allocateBytes } from "./memory.js";
import { partLock } from "./model-locks.js";
import { downloadPart } from "./part-download.js";
import { sha256Of } from "./sha256.js";
import { isFull, storageFailed } from "./storage-room.js";
import { TransferProgress } from "./transfer-progress.js";

/** @typedef {import("./bundle-manifest.js").FileEntry} FileEntry */
/** @typedef {{entry: FileEntry, url: string, target: Uint8Array<ArrayBuffer>}} Part */
/**
 * @typedef {object} Order
 * @property {string} folder  the bundle's address, ending in "/"
 * @property {FileEntry[]} files  wanted one by one
 * @property {FileEntry[]} weights  wanted one after the other
 * @property {number} parallelFetches
 */
/**
 * @typedef {object} Surroundings
 * @property {import("./part-request.js").Fetch} fetch
 * @property {import("./part-download.js").RetryOptions} retry
 * @property {AbortSignal} signal
 * @property {(transfer: import("./protocol.js").Transfer) => void} progress
 * @property {import("./part-files.js").PartFiles | null} parts  null: nothing is kept
 * @property {string | null} reason  why nothing new is kept
 * @property {readonly import("./storage-room.js").Deletable[]} others  kept models that could be deleted
 * @property {() => Promise<number>} makeRoom  deletes what no kept model needs; bytes that are free then
 */
/**
 * @typedef {object} Obtained
 * @property {Uint8Array<ArrayBuffer>[]} files
 * @property {Uint8Array<ArrayBuffer>} weights
 * @property {import("./protocol.js").StoreDescription} store
 */

const PROGRESS_EVERY_MS = 100;

/**
 * @param {Order} order
 * @param {Surroundings} surroundings
 * @returns {Promise<Obtained>}
 */
export async function obtainFiles({ folder, files, weights, parallelFetches }, surroundings) {
  const weightBytes = allocateBytes(sumBytes(weights), "the model's weights");
  const targets = files.map(({ file, bytes }) => allocateBytes(bytes, file));
  const part = (/** @type {FileEntry} */ entry, /** @type {Uint8Array<ArrayBuffer>} */ target) => ({
    entry,
    url: new URL(entry.file, folder).href,
    target,
  });
  const jobs = files.map((entry, index) => part(entry, targets[index]));
  let offset = 0;
  for (const entry of weights) {
    jobs.push(part(entry, weightBytes.subarray(offset, offset + entry.bytes)));
    offset += entry.bytes;
  }
  const work = new Work(surroundings, new TransferProgress(sumBytes([...files, ...weights])));
  const stopReporting = work.reportProgress();
  try {
    await inParallel(jobs, parallelFetches, surroundings.signal, (job, signal) => work.obtain(job, signal));
    await work.keepRest(jobs);
  } finally {
    stopReporting();
  }
  return { files: targets, weights: weightBytes, store: work.describeStore() };
}

class Work {
  #surroundings;
  #progress;
  /** @type {string | null} why nothing more is written */
  #reason;
  #ranFull = false;
  /** Hashes of what is whole on the device. @type {Set<string>} */
  #kept = new Set();

  /**
   * @param {Surroundings} surroundings
   * @param {TransferProgress} progress
   */
  constructor(surroundings, progress) {
    this.#surroundings = surroundings;
    this.#progress = progress;
    this.#reason = surroundings.reason;
  }

  /** @returns {import("./protocol.js").StoreDescription} */
  describeStore() {
    return { place: this.#reason === null ? "device" : "memory", reason: this.#reason };
  }

  /** @returns {() => void} ends it, after a last report */
  reportProgress() {
    const report = () => this.#surroundings.progress({ ...this.#progress.snapshot(), reason: this.#reason });
    report();
    const timer = setInterval(report, PROGRESS_EVERY_MS);
    return () => {
      clearInterval(timer);
      report();
    };
  }

  /**
   * @param {Part} part
   * @param {AbortSignal} signal
   */
  async obtain(part, signal) {
    try {
      if (await this.#readStored(part)) return;
      if (this.#reason !== null) await this.#download(part, 0, signal, () => {});
      else await this.#downloadAndKeep(part, signal);
    } finally {
      this.#progress.set(part, "nothing");
    }
  }

  /** @param {Part} part */
  async #readStored({ entry, target }) {
    const { parts } = this.#surroundings;
    if (parts === null) return false;
    try {
      if (!(await parts.read(entry.sha256, target)) || (await sha256Of(target)) !== entry.sha256)
        return false;
    } catch (error) {
      this.#giveUp(error);
      return false;
    }
    this.#progress.addStored(entry.bytes);
    this.#kept.add(entry.sha256);
    return true;
  }

  /**
   * @param {Part} part
   * @param {AbortSignal} signal
   */
  async #downloadAndKeep(part, signal) {
    this.#progress.set(part, "another-tab");
    await navigator.locks.request(partLock(part.entry.sha256), { signal }, async () => {
      const { parts } = this.#surroundings;
      const file = await /** @type {NonNullable<typeof parts>} */ (parts)
        .openToWrite(part.entry.sha256)
        .catch((error) => this.#giveUp(error));
      if (!file) return this.#download(part, 0, signal, () => {});
      let received = this.#onDevice(() => file.read(part.target)) ?? 0;
      this.#progress.addStored(received);
      try {
        await this.#download(part, received, signal, (bytes) => {
          received = bytes;
          this.#onDevice(() => file.keep(part.target, received));
        });
      } finally {
        // Of a download that was cut or cancelled, all that arrived.
        this.#onDevice(() => file.finish(part.target, received));
        file.close();
      }
      if (this.#reason === null) this.#kept.add(part.entry.sha256);
    });
  }

  /**
   * Writes what storage had no room for, where something can go for it.
   * @param {Part[]} jobs  that are done
   */
  async keepRest(jobs) {
    const { parts, makeRoom } = this.#surroundings;
    if (parts === null || !this.#ranFull || (await makeRoom()) === 0) return;
    try {
      for (const { entry, target } of jobs) {
        if (!this.#kept.has(entry.sha256)) await parts.write(entry.sha256, target);
      }
      this.#reason = null;
    } catch (error) {
      this.#giveUp(error); // still too little
    }
  }

  /**
   * @template Result
   * @param {() => Result} work  with the store, while it is of use
   * @returns {Result | null}
   */
  #onDevice(work) {
    if (this.#reason !== null) return null;
    try {
      return work();
    } catch (error) {
      return this.#giveUp(error);
    }
  }

  /**
   * @param {Part} part
   * @param {number} received
   * @param {AbortSignal} signal
   * @param {(received: number) => void} keep
   */
  #download(part, received, signal, keep) {
    const { fetch, retry } = this.#surroundings;
    const progress = this.#progress;
    progress.set(part, "fetching");
    return downloadPart(part, received, {
      fetch,
      retry,
      signal,
      // What the store keeps, the browser's own cache need not keep again.
      cache: this.#reason === null ? "no-store" : "default",
      count: (bytes) => progress.addFetched(bytes),
      keep,
      waiting: (waiting) => progress.set(part, waiting ? "connection" : "fetching"),
    });
  }

  /** @param {unknown} error */
  #giveUp(error) {
    this.#ranFull ||= isFull(error);
    this.#reason ??= storageFailed(error, this.#surroundings.others);
    return null;
  }
}
