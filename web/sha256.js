// @ts-check
/**
 * The sha256 of bytes that are all there, by the browser's own code, off this thread.
 *
 * @module
 */

import { SiteError } from "./errors.js";

/**
 * @param {BufferSource} bytes
 * @returns {Promise<string>} in hexadecimal
 */
export async function sha256Of(bytes) {
  const subtle = globalThis.crypto?.subtle;
  if (subtle === undefined) {
    throw new SiteError("this page is not a secure context, so its files cannot be checked", {
      expected: "https, or http on localhost",
      remedy: "Open the page through https or through http://127.0.0.1.",
    });
  }
  const hash = new Uint8Array(await subtle.digest("SHA-256", bytes));
  return Array.from(hash, (byte) => byte.toString(16).padStart(2, "0")).join("");
}
