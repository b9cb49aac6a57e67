// @ts-check
/**
 * What the model said in one go: reasoning, text, and the tools that it then called.
 *
 * @module
 */

import { element } from "../element.js";
import { layOutJson } from "../json-layout.js";
import { mountMarkdown } from "../markdown.js";
import { mountCallBlock } from "./call-block.js";
import { mountReasoningBlock } from "./reasoning-block.js";

/** @typedef {import("../turn.js").Round} Round */
/** @typedef {import("../turn.js").Turn} Turn */

/**
 * @param {HTMLElement} root
 * @param {{onCallAnswer: (content: string) => void}} actions
 */
export function mountRound(root, { onCallAnswer }) {
  const reasoningRoot = element("div", { class: "plm-reasoning-block" });
  const text = element("div", { class: "plm-markdown", dir: "auto" });
  const callsRoot = element("div");
  const reasoning = mountReasoningBlock(reasoningRoot);
  const markdown = mountMarkdown(text);
  /** @type {Array<ReturnType<typeof mountCallBlock>>} */
  const calls = [];
  root.classList.add("plm-round");
  root.append(reasoningRoot, text, callsRoot);

  return {
    /**
     * @param {Pick<Round, "reasoning" | "answer" | "calls">} round
     * @param {{running: boolean, elapsedMs: number, answerForm: Turn["answerForm"]}} view
     */
    update(round, { running, elapsedMs, answerForm }) {
      reasoning.update({ reasoning: round.reasoning, running, elapsedMs });
      markdown.update(shownAnswer(round.answer.trimStart(), answerForm));
      for (const [index, call] of round.calls.entries()) {
        if (!calls[index]) {
          const item = element("div");
          callsRoot.append(item);
          calls[index] = mountCallBlock(item, { onAnswer: onCallAnswer });
        }
        calls[index].update(call);
      }
    },
  };
}

/**
 * @param {string} answer
 * @param {Turn["answerForm"]} answerForm
 */
function shownAnswer(answer, answerForm) {
  if (answer === "" || answerForm !== "json_schema") return answer;
  // Inside JSON's strings backticks may come in any number: a fence has more than the longest run of them.
  const longest = Math.max(2, ...(answer.match(/`+/g) ?? []).map((run) => run.length));
  const fence = "`".repeat(longest + 1);
  return `${fence}json\n${layOutJson(answer)}\n${fence}`;
}
