// @ts-check
/**
 * A call of a tool: its name and what came of it in one line, all of it when unfolded; and where a person answers it.
 *
 * Folded like reasoning, unless the reader decides otherwise or the person is asked. Shows what the model said and was told
 * as text, never as HTML.
 *
 * @module
 */

import { button, element, setText, uniqueId } from "../element.js";
import { callLabel } from "../sentences.js";
import { describeArguments, describeCall, errorIn } from "../tool-texts.js";
import { mountFold } from "./fold.js";

/** @typedef {import("../turn.js").Call} Call */

/**
 * @param {HTMLElement} root
 * @param {{onAnswer: (content: string) => void}} actions
 */
export function mountCallBlock(root, { onAnswer }) {
  const label = element("span", { class: "plm-call-block-label" });
  const glance = element("span", { class: "plm-call-block-glance" });
  const asked = mountText("Arguments");
  const told = mountText("Result");
  const answer = mountAnswer(onAnswer);
  const fold = mountFold(root, {
    name: "Call",
    heading: [label, glance],
    content: [asked.root, told.root, answer.root],
  });
  root.classList.add("plm-call-block");
  let asks = false;

  return {
    /** @param {Call} entry */
    update(entry) {
      const { call, result, asksPerson } = entry;
      if (asksPerson !== asks) fold.forgetChoice();
      asks = asksPerson;
      const problem = result === null ? null : errorIn(result);
      root.dataset.failed = String(problem !== null);
      setText(label, callLabel(entry));
      setText(glance, describeCall(entry));
      asked.update(
        call.problem === undefined ? "Arguments" : "What the model wrote",
        call.problem === undefined ? describeArguments(call.arguments) : call.text.trim(),
      );
      told.update(problem === null ? "Result" : "The model was told", problem ?? result ?? "");
      told.root.hidden = result === null;
      answer.update(asksPerson && call.problem === undefined ? call.name : null);
      fold.show(asks);
    },
  };
}

/** @param {string} first  its title at first */
function mountText(first) {
  const title = element("p", { class: "plm-call-block-title" }, first);
  const text = element("pre", { dir: "auto" });
  return {
    root: element("div", {}, title, text),
    /**
     * @param {string} heading
     * @param {string} content
     */
    update(heading, content) {
      setText(title, heading);
      setText(text, content);
    },
  };
}

/** @param {(content: string) => void} onAnswer */
function mountAnswer(onAnswer) {
  const fieldId = uniqueId("result");
  const label = element("label", { for: fieldId });
  const field = element("textarea", { id: fieldId, rows: "2", dir: "auto" });
  const give = button({
    label: "Give this result",
    text: true,
    className: "plm-button plm-button-outlined",
    onPress: () => {
      onAnswer(field.value);
      field.value = "";
    },
  });
  const root = element("div", { class: "plm-call-block-answer" }, label, field, give);
  return {
    root,
    /** @param {string | null} name  of the tool that waits; null: none does */
    update(name) {
      root.hidden = name === null;
      if (name !== null) setText(label, `The model waits: what does ${name} give?`);
    },
  };
}
