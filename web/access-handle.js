// @ts-check
/**
 * Files of the origin's private file system through access handles, with what browsers leave out: errors of writing, and
 * waiting for who has a file open. In workers only, but for `whenClosed`.
 *
 * @module
 */

const OPEN_ATTEMPTS = 30;
const OPEN_DELAY_MS = 100;

/**
 * The part of FileSystemSyncAccessHandle that is used; the types of this project are those of a page.
 * @typedef {object} SyncAccessHandle
 * @property {() => number} getSize
 * @property {(bytes: Uint8Array<ArrayBuffer>, options: {at: number}) => number} read
 * @property {(bytes: Uint8Array<ArrayBuffer>, options: {at: number}) => number} write
 * @property {(bytes: number) => void} truncate
 * @property {() => void} close
 */
/** @typedef {FileSystemFileHandle & {createSyncAccessHandle: (options?: {mode: string}) => Promise<SyncAccessHandle>}} FileHandle */

/**
 * Gives a file another content. Where there is no room for it, it keeps the one it had.
 *
 * @param {SyncAccessHandle} access
 * @param {Uint8Array<ArrayBuffer>} bytes
 * @throws {DOMException} QuotaExceededError
 */
export function overwrite(access, bytes) {
  access.truncate(bytes.length);
  // Chromium 156 does not throw.
  if (access.getSize() !== bytes.length) throw noMoreBytes();
  for (let written = 0; written < bytes.length; ) {
    written += writeSome(access, bytes.subarray(written), written);
  }
}

/**
 * @param {SyncAccessHandle} access
 * @param {Uint8Array<ArrayBuffer>} bytes  not empty
 * @param {number} at
 * @returns {number} how many were written, at least one
 * @throws {DOMException} QuotaExceededError
 */
export function writeSome(access, bytes, at) {
  const written = access.write(bytes, { at });
  // Chromium 156 gives 4294967288 (-8, its code for "no space") instead of throwing.
  if (written > 0 && written <= bytes.length) return written;
  throw noMoreBytes();
}

function noMoreBytes() {
  return new DOMException("the file takes no more bytes", "QuotaExceededError");
}

/**
 * @template Result
 * @param {() => Promise<Result>} work  that needs a file which nobody has open
 * @returns {Promise<Result>}
 */
export async function whenClosed(work) {
  for (let attempt = 1; ; attempt++) {
    try {
      return await work();
    } catch (error) {
      // A reader is about to close it, or a tab that ended has not been cleared away yet.
      if (nameOf(error) !== "NoModificationAllowedError" || attempt === OPEN_ATTEMPTS) throw error;
      await new Promise((resolve) => setTimeout(resolve, OPEN_DELAY_MS));
    }
  }
}

/** @param {unknown} error */
export function nameOf(error) {
  return error instanceof Error || error instanceof DOMException ? error.name : "";
}
