// @ts-check
/**
 * The model's reasoning: open while it thinks, folded when the answer starts, unless the reader decides otherwise.
 *
 * @module
 */

import { element, setText } from "../element.js";
import { thoughtLabel } from "../sentences.js";
import { stickToEnd } from "../stickiness.js";
import { mountFold } from "./fold.js";

/** @param {HTMLElement} root */
export function mountReasoningBlock(root) {
  const label = element("span");
  // Reasoning is shown as it was written; a text node can grow without being drawn anew.
  const text = document.createTextNode("");
  const fold = mountFold(root, { name: "Reasoning", heading: [label], content: [text] });
  fold.body.tabIndex = 0;
  root.hidden = true;
  const end = stickToEnd(fold.body);

  return {
    /** @param {{reasoning: string, running: boolean, elapsedMs: number}} view */
    update({ reasoning, running, elapsedMs }) {
      root.hidden = reasoning === "";
      if (root.hidden) return;
      root.dataset.running = String(running);
      setText(label, thoughtLabel(elapsedMs, running));
      fold.show(running);
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
