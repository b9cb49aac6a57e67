// @ts-check
/**
 * Hands a text to the browser as a file to keep.
 *
 * @module
 */

import { element } from "./element.js";

/**
 * @param {string} name
 * @param {string} text  JSON
 */
export function download(name, text) {
  const url = URL.createObjectURL(new Blob([text], { type: "application/json" }));
  element("a", { href: url, download: name }).click();
  // The browser has taken its hold of the text by the next turn of the loop.
  setTimeout(() => URL.revokeObjectURL(url), 0);
}
