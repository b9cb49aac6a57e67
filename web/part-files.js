// @ts-check
/**
 * The parts of models that this browser keeps, as files in the origin's private file system, named by their sha256.
 *
 * A file's length is how far its part has come; that a part is whole and right is known only from hashing what was read.
 * So there is no journal, and no crash can leave a state that would be trusted wrongly. Layout: docs/contracts.md,
 * "Store". Writing works in workers only. Knows nothing of networks and models.
 *
 * @module
 */

import { nameOf, overwrite, whenClosed, writeSome } from "./access-handle.js";
import { partLock } from "./model-locks.js";

/** @typedef {import("./access-handle.js").FileHandle} FileHandle */
/** @typedef {import("./access-handle.js").SyncAccessHandle} SyncAccessHandle */

/** Another layout gets another name, and what lies under the old one can be deleted. */
export const STORE_FOLDER = "pagelm-store-1";
const WRITE_BYTES = 1 << 20;

/**
 * @returns {Promise<FileSystemDirectoryHandle>}
 * @throws {unknown} whatever the browser says where it keeps no files
 */
export async function openStoreFolder() {
  const root = await navigator.storage.getDirectory();
  return root.getDirectoryHandle(STORE_FOLDER, { create: true });
}

export class PartFiles {
  #folder;

  /** @param {FileSystemDirectoryHandle} folder */
  constructor(folder) {
    this.#folder = folder;
  }

  /** @param {FileSystemDirectoryHandle} store */
  static async open(store) {
    return new PartFiles(await store.getDirectoryHandle("parts", { create: true }));
  }

  /** @returns {Promise<Map<string, number>>} bytes by sha256 */
  async sizes() {
    const sizes = new Map();
    for await (const [name, handle] of /** @type {any} */ (this.#folder)) {
      const file = handle.kind === "file" ? await contentOf(handle) : null;
      if (file !== null) sizes.set(name, file.size);
    }
    return sizes;
  }

  /**
   * Fills `target` if a file of exactly its size is here; takes no lock that would keep others out.
   *
   * @param {string} sha256
   * @param {Uint8Array<ArrayBuffer>} target
   * @returns {Promise<boolean>}
   */
  async read(sha256, target) {
    const handle = await this.#find(sha256);
    if (handle === null) return false;
    let access;
    try {
      access = await handle.createSyncAccessHandle({ mode: "read-only" });
    } catch (error) {
      if (nameOf(error) === "NotFoundError") return false;
      if (nameOf(error) !== "NoModificationAllowedError") throw error;
      // Another tab writes it, or reads it in a browser that has no "read-only".
      const file = await contentOf(handle);
      if (file?.size !== target.length) return false;
      target.set(new Uint8Array(await file.arrayBuffer()));
      return true;
    }
    try {
      return access.getSize() === target.length && access.read(target, { at: 0 }) === target.length;
    } finally {
      access.close();
    }
  }

  /**
   * Only one at a time can have a part open like this, in all tabs.
   *
   * @param {string} sha256
   * @returns {Promise<OpenPart>}
   */
  async openToWrite(sha256) {
    const handle = /** @type {FileHandle} */ (await this.#folder.getFileHandle(sha256, { create: true }));
    return whenClosed(async () => new OpenPart(await handle.createSyncAccessHandle()));
  }

  /**
   * @param {string} sha256
   * @param {Uint8Array<ArrayBuffer>} bytes  the whole part
   * @throws {DOMException} QuotaExceededError
   */
  async write(sha256, bytes) {
    await navigator.locks.request(partLock(sha256), async () => {
      const file = await this.openToWrite(sha256);
      try {
        file.replace(bytes);
      } finally {
        file.close();
      }
    });
  }

  /**
   * @param {string} sha256
   * @returns {Promise<File | null>} the part as it lies there, for a page too
   */
  async file(sha256) {
    const handle = await this.#find(sha256);
    return handle && contentOf(handle);
  }

  /** @param {string} sha256 */
  async delete(sha256) {
    await unlessGone(() => whenClosed(() => this.#folder.removeEntry(sha256)));
  }

  /**
   * @param {string} sha256
   * @returns {Promise<FileHandle | null>}
   */
  #find(sha256) {
    return unlessGone(async () => /** @type {FileHandle} */ (await this.#folder.getFileHandle(sha256)));
  }
}

/**
 * Another tab may delete a file between its being found and its being looked at.
 *
 * @param {FileHandle} handle
 * @returns {Promise<File | null>}
 */
function contentOf(handle) {
  return unlessGone(() => handle.getFile());
}

/**
 * @template Found
 * @param {() => Promise<Found>} find
 * @returns {Promise<Found | null>}  null: it is not there
 */
async function unlessGone(find) {
  try {
    return await find();
  } catch (error) {
    if (nameOf(error) === "NotFoundError") return null;
    throw error;
  }
}

/** One part's file through one access handle, open until `close`. */
export class OpenPart {
  #access;
  #written;

  /** @param {SyncAccessHandle} access */
  constructor(access) {
    this.#access = access;
    this.#written = access.getSize();
  }

  /**
   * Reads what is here into the beginning of `target`; a file that is longer than that holds something else.
   *
   * @param {Uint8Array<ArrayBuffer>} target
   * @returns {number} bytes
   */
  read(target) {
    if (this.#written > target.length) this.#shorten(0);
    return this.#access.read(target.subarray(0, this.#written), { at: 0 });
  }

  /**
   * Brings the file to the first `received` bytes of `target`, in pieces that are worth a write.
   *
   * @param {Uint8Array<ArrayBuffer>} target  the whole part's place
   * @param {number} received
   * @throws {DOMException} QuotaExceededError
   */
  keep(target, received) {
    if (received < this.#written) this.#shorten(received);
    if (received - this.#written >= WRITE_BYTES || received === target.length) this.finish(target, received);
  }

  /**
   * @param {Uint8Array<ArrayBuffer>} target
   * @param {number} received
   */
  finish(target, received) {
    while (this.#written < received) {
      const piece = target.subarray(this.#written, received);
      this.#written += writeSome(this.#access, piece, this.#written);
    }
  }

  /**
   * @param {Uint8Array<ArrayBuffer>} bytes  the whole part
   * @throws {DOMException} QuotaExceededError
   */
  replace(bytes) {
    overwrite(this.#access, bytes);
    this.#written = bytes.length;
  }

  close() {
    this.#access.close();
  }

  /** @param {number} bytes */
  #shorten(bytes) {
    this.#access.truncate(bytes);
    this.#written = bytes;
  }
}
