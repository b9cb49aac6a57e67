// @ts-check
/**
 * One turn: the question as it was typed, and below it reasoning, answer, what to do with it, and its figures.
 *
 * @module
 */

import { makeCopyButton } from "../clipboard.js";
import { button, element, icon, setText } from "../element.js";
import { mountMarkdown } from "../markdown.js";
import { finishSentence, waitingSentence } from "../sentences.js";
import { mountNotice } from "./notice.js";
import { mountReasoningBlock } from "./reasoning-block.js";
import { mountStatsLine } from "./stats-line.js";

/** @typedef {import("../chat-state.js").Turn} Turn */

/**
 * @param {HTMLElement} root
 * @param {{onRetry: () => void}} actions
 */
export function mountMessage(root, { onRetry }) {
  const questionText = element("div", { class: "plm-message-question-text", dir: "auto" });
  const question = element(
    "article",
    { class: "plm-message-question", "aria-label": "Question" },
    element("h2", { class: "plm-visually-hidden" }, "Question"),
    questionText,
  );
  const reasoningRoot = element("div", { class: "plm-reasoning-block" });
  const waiting = element("p", { class: "plm-message-waiting" });
  const answerText = element("div", { class: "plm-markdown", dir: "auto" });
  const ending = element("p", { class: "plm-message-ending plm-muted" });
  const noticeRoot = element("div", { class: "plm-notice" });
  const statsRoot = element("div", { class: "plm-stats-line" });

  const reasoning = mountReasoningBlock(reasoningRoot);
  const markdown = mountMarkdown(answerText);
  const notice = mountNotice(noticeRoot, { onTryAgain: onRetry });
  const stats = mountStatsLine(statsRoot);
  let answerSource = "";
  const copy = mountCopy(() => answerSource.trim());
  const retry = button({
    label: "Retry",
    icon: "retry",
    text: true,
    className: "plm-button plm-button-small",
    onPress: onRetry,
  });
  const actions = element("div", { class: "plm-message-actions" }, copy, retry, statsRoot);
  const answer = element(
    "article",
    { class: "plm-message-answer", "aria-label": "Answer" },
    element("h2", { class: "plm-visually-hidden" }, "Answer"),
    reasoningRoot,
    waiting,
    answerText,
    ending,
    noticeRoot,
    actions,
  );
  const dropped = element("p", { class: "plm-message-dropped plm-muted" });
  setText(dropped, "The context is full: the model no longer sees what stands above.");
  root.append(dropped, question, answer);

  return {
    /** @param {{turn: Turn, isLast: boolean, isFirstShown: boolean, canRetry: boolean, now: number}} view */
    update({ turn, isLast, isFirstShown, canRetry, now }) {
      dropped.hidden = !isFirstShown;
      const closed = turn.status === "finished" || turn.status === "failed";
      const running = turn.status === "thinking";
      answerSource = turn.answer;
      setText(questionText, turn.question);
      const elapsedMs = running && turn.thinkingSince !== null ? now - turn.thinkingSince : turn.thinkingMs;
      reasoning.update({ reasoning: turn.reasoning, running, elapsedMs });
      setText(waiting, waitingSentence(turn));
      waiting.hidden = waiting.textContent === "";
      markdown.update(turn.answer.trimStart());
      setText(ending, turn.finishReason ? finishSentence(turn.finishReason, turn.usage) : "");
      ending.hidden = ending.textContent === "";
      notice.update({ error: turn.error, canTryAgain: isLast && canRetry, canDismiss: false });
      stats.update(closed ? turn.usage : null);
      answer.setAttribute("aria-busy", String(!closed));
      actions.hidden = !closed;
      copy.hidden = turn.answer === "";
      retry.hidden = !isLast || turn.error !== null;
      retry.disabled = !canRetry;
    },
  };
}

/** @param {() => string} read */
function mountCopy(read) {
  const label = element("span", {}, "Copy");
  const copy = element(
    "button",
    { type: "button", class: "plm-button plm-button-small" },
    icon("copy"),
    label,
  );
  copy.setAttribute("aria-label", "Copy answer");
  makeCopyButton(copy, label, read);
  return copy;
}
