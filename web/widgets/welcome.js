// @ts-check
/**
 * What an empty chat shows: what this is, what it can do, and questions to begin with.
 *
 * @module
 */

import { element, setText } from "../element.js";

/** @typedef {import("../page-options.js").SiteModel} SiteModel */

/** Questions that suit any model, for a bundle that names none. */
const GENERIC_EXAMPLES = [
  "What can you do?",
  "Explain how a rainbow forms",
  "Write a short poem about the sea",
];

const GENERIC_DESCRIPTION = "It is a small model and makes mistakes: check what matters.";

/**
 * @param {HTMLElement} root
 * @param {{model: SiteModel, onExample: (question: string) => void}} options
 */
export function mountWelcome(root, { model, onExample }) {
  const context = element("span");
  const examples = element("ul", { class: "plm-welcome-examples", "aria-label": "Example questions" });
  for (const question of model.examples ?? GENERIC_EXAMPLES) {
    const example = element("button", { type: "button", class: "plm-button plm-button-outlined" }, question);
    example.addEventListener("click", () => onExample(question));
    examples.append(element("li", {}, example));
  }
  root.append(
    element("h2", {}, "A language model inside this page"),
    element(
      "p",
      {},
      element("strong", {}, model.name),
      " runs in this browser tab, driven by Python. Nothing you write leaves this machine. ",
      model.description ?? GENERIC_DESCRIPTION,
      context,
    ),
    examples,
  );

  return {
    /** @param {{visible: boolean, contextSize: number | null}} view  contextSize in tokens */
    update({ visible, contextSize }) {
      root.hidden = !visible;
      const sentence = ` A conversation can be ${contextSize?.toLocaleString("en")} tokens long.`;
      setText(context, contextSize === null ? "" : sentence);
    },
  };
}
