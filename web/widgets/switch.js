// @ts-check
/**
 * Something that is on or off, by its name.
 *
 * @module
 */

import { element } from "../element.js";

/**
 * @param {string} label
 * @param {() => void} onPress  not called while it cannot be switched
 */
export function mountSwitch(label, onPress) {
  const root = element("button", { type: "button", role: "switch", class: "plm-switch" });
  root.append(element("span", { class: "plm-switch-track", "aria-hidden": "true" }), label);
  let blocked = false;
  root.addEventListener("click", () => {
    if (!blocked) onPress();
  });
  return {
    root,
    /**
     * @param {boolean} on
     * @param {string} reason  why it cannot be switched; "": it can
     */
    update(on, reason) {
      blocked = reason !== "";
      root.setAttribute("aria-checked", String(on));
      // Not `disabled`: its reason can be reached with the keyboard and read out.
      root.setAttribute("aria-disabled", String(blocked));
      root.title = reason;
    },
  };
}
