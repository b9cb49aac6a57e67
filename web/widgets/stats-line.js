// @ts-check
/**
 * One line of figures under an answer: prefill and decode speed, context used, seed.
 *
 * @module
 */

import { element } from "../element.js";
import { statsParts } from "../sentences.js";

/** @typedef {import("../protocol.js").Usage} Usage */

/** @param {HTMLElement} root */
export function mountStatsLine(root) {
  /** @type {Usage | null} */
  let shown = null;
  const list = element("ul", { "aria-label": "Statistics" });
  root.append(list);
  root.hidden = true;

  return {
    /** @param {Usage | null} usage */
    update(usage) {
      root.hidden = usage === null;
      if (usage === shown) return;
      shown = usage;
      const parts = usage === null ? [] : statsParts(usage);
      list.replaceChildren(
        ...parts.map(({ label, value, explanation }) =>
          element("li", { title: explanation }, element("span", {}, `${label} `), element("b", {}, value)),
        ),
      );
    },
  };
}
