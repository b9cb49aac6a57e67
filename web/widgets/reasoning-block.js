// @ts-check
/**
 * The model's reasoning: open while it thinks, folded when the answer starts, unless the reader decides otherwise.
 *
 * @module
 */

import { element, icon, setText, uniqueId } from "../element.js";
import { thoughtLabel } from "../sentences.js";
import { stickToEnd } from "../stickiness.js";

/** @param {HTMLElement} root */
export function mountReasoningBlock(root) {
  const id = uniqueId("reasoning");
  const label = element("span");
  const toggle = element(
    "button",
    { type: "button", class: "plm-reasoning-block-toggle", "aria-controls": id },
    icon("chevron"),
    label,
  );
  // Reasoning is shown as it was written; a text node can grow without being drawn anew.
  const text = document.createTextNode("");
  const body = element("div", {
    class: "plm-reasoning-block-body",
    id,
    role: "region",
    "aria-label": "Reasoning",
  });
  body.tabIndex = 0;
  body.append(text);
  root.append(toggle, body);
  root.hidden = true;
  const end = stickToEnd(body);
  /** @type {boolean | null} */
  let chosen = null;
  let thinking = false;

  function show() {
    const open = chosen ?? thinking;
    body.hidden = !open;
    toggle.setAttribute("aria-expanded", String(open));
  }

  toggle.addEventListener("click", () => {
    chosen = body.hidden;
    show();
  });

  return {
    /** @param {{reasoning: string, running: boolean, elapsedMs: number}} view */
    update({ reasoning, running, elapsedMs }) {
      root.hidden = reasoning === "";
      if (root.hidden) return;
      thinking = running;
      root.dataset.running = String(running);
      setText(label, thoughtLabel(elapsedMs, running));
      show();
      grow(text, reasoning.trimStart());
      end.follow();
    },
  };
}

/**
 * @param {Text} node
 * @param {string} text
 */
function grow(node, text) {
  if (text === node.data) return;
  if (text.startsWith(node.data)) node.appendData(text.slice(node.data.length));
  else node.data = text;
}
