// @ts-check
/**
 * Copies text. Outside a secure context there is no Clipboard API: there a hidden text field does it the old way.
 *
 * @module
 */

import { element } from "./element.js";

/**
 * @param {string} text
 * @returns {Promise<boolean>}  whether it worked
 */
async function copyText(text) {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    return copyThroughField(text);
  }
}

/** @param {string} text */
function copyThroughField(text) {
  const focused = document.activeElement;
  const field = element("textarea", { readonly: true, class: "plm-visually-hidden", "aria-hidden": "true" });
  field.value = text;
  document.body.append(field);
  field.select();
  const copied = document.execCommand("copy");
  field.remove();
  if (focused instanceof HTMLElement) focused.focus();
  return copied;
}

/**
 * A button that copies and says for two seconds how it went.
 * @param {HTMLButtonElement} target
 * @param {Element} label  the part of it whose text changes
 * @param {() => string} read  what to copy, read when it is pressed
 */
export function makeCopyButton(target, label, read) {
  const resting = label.textContent ?? "";
  label.setAttribute("aria-live", "polite");
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  let timer;
  target.addEventListener("click", async () => {
    label.textContent = (await copyText(read())) ? "Copied" : "Copying is blocked";
    clearTimeout(timer);
    timer = setTimeout(() => {
      label.textContent = resting;
    }, 2000);
  });
}
