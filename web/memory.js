// @ts-check
/**
 * Large allocations, and what is said when they fail. A browser's own words for it ("Array buffer allocation failed")
 * tell neither how much was wanted nor what to do.
 *
 * @module
 */

import { DeviceMemoryError } from "./errors.js";

/**
 * @param {number} bytes
 * @param {string} what  for the message, e.g. "the model's weights"
 * @returns {Uint8Array<ArrayBuffer>}
 * @throws {DeviceMemoryError}
 */
export function allocateBytes(bytes, what) {
  try {
    return new Uint8Array(bytes);
  } catch (cause) {
    throw new DeviceMemoryError(`this browser tab has no room for ${what}: ${cause}`, {
      expected: `${bytes} bytes in one piece`,
      remedy: "Close other tabs and programs and reload, or take a smaller model.",
      cause,
    });
  }
}

/**
 * Whether a failure of onnxruntime-web, whose errors have no names, is one of memory.
 * @param {unknown} cause
 */
export function isOutOfMemory(cause) {
  return cause instanceof RangeError || /bad_alloc|out of memory|\bOOM\b|allocat/i.test(String(cause));
}
