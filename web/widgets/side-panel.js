// @ts-check
/**
 * A dialog at the side of the page: title, what it holds, and the ways to close it.
 *
 * @module
 */

import { button, element } from "../element.js";

/**
 * @param {HTMLDialogElement} root  of the class plm-side-panel
 * @param {string} title
 * @param {...Node} content
 */
export function mountSidePanel(root, title, ...content) {
  const close = button({
    label: `Close ${title.toLowerCase()}`,
    icon: "close",
    onPress: () => root.close(),
  });
  root.setAttribute("aria-label", title);
  root.append(element("div", { class: "plm-side-panel-bar" }, element("h2", {}, title), close), ...content);
  // A press on the backdrop has the dialog itself as its target.
  root.addEventListener("click", (event) => {
    if (event.target === root) root.close();
  });
}
