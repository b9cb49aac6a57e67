// @ts-check
/**
 * A line that folds what is below it: open while there is a reason to look, unless the reader decides otherwise.
 *
 * Knows nothing of what it folds.
 *
 * @module
 */

import { element, icon, uniqueId } from "../element.js";

/**
 * @param {HTMLElement} root
 * @param {{name: string, heading: readonly Node[], content: readonly Node[]}} parts  name: of what is folded, as a region
 */
export function mountFold(root, { name, heading, content }) {
  const id = uniqueId(name.toLowerCase());
  const toggle = element(
    "button",
    { type: "button", class: "plm-fold-toggle", "aria-controls": id },
    icon("chevron"),
    ...heading,
  );
  const body = element("div", { class: "plm-fold-body", id, role: "region", "aria-label": name }, ...content);
  root.classList.add("plm-fold");
  root.append(toggle, body);
  /** What the reader wants; null: they have not said. @type {boolean | null} */
  let chosen = null;
  let wanted = false;

  function draw() {
    const open = chosen ?? wanted;
    body.hidden = !open;
    toggle.setAttribute("aria-expanded", String(open));
  }
  toggle.addEventListener("click", () => {
    chosen = body.hidden;
    draw();
  });

  return {
    body,
    /** @param {boolean} open  whether there is a reason to look */
    show(open) {
      wanted = open;
      draw();
    },
    /** What the reader wanted was about something else. */
    forgetChoice() {
      chosen = null;
    },
  };
}
