// @ts-check
/**
 * One turn: the question as it was typed, and below it reasoning, answer, what to do with it, and its figures.
 *
 * @module
 */

import { makeCopyButton } from "../clipboard.js";
import { button, element, icon, setText } from "../element.js";
import { finishSentence, waitingSentence } from "../sentences.js";
import { isClosed } from "../turn.js";
import { mountNotice } from "./notice.js";
import { mountRound } from "./round.js";
import { mountStatsLine } from "./stats-line.js";

/** @typedef {import("../turn.js").Turn} Turn */

/**
 * @typedef {object} MessageActions
 * @property {() => void} onRetry
 * @property {(upTo: "answer" | "question") => void} onBranch
 * @property {(content: string) => void} onCallAnswer
 */

/**
 * @param {HTMLElement} root
 * @param {MessageActions} actions
 */
export function mountMessage(root, { onRetry, onBranch, onCallAnswer }) {
  const questionText = element("div", { class: "plm-message-question-text", dir: "auto" });
  const edit = button({
    label: "Edit the question in a branch",
    icon: "edit",
    className: "plm-button plm-button-small",
    onPress: () => onBranch("question"),
  });
  const question = element(
    "article",
    { class: "plm-message-question", "aria-label": "Question" },
    element("h2", { class: "plm-visually-hidden" }, "Question"),
    edit,
    questionText,
  );
  const roundsRoot = element("div", { class: "plm-message-rounds" });
  const waiting = element("p", { class: "plm-message-waiting" });
  const ending = element("p", { class: "plm-message-ending plm-muted" });
  const noticeRoot = element("div", { class: "plm-notice" });
  const statsRoot = element("div", { class: "plm-stats-line" });

  const rounds = mountRounds(roundsRoot, onCallAnswer);
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
  const branch = button({
    label: "Branch",
    icon: "branch",
    text: true,
    className: "plm-button plm-button-small",
    onPress: () => onBranch("answer"),
  });
  branch.title = "Go on from here in a chat of its own";
  const actions = element("div", { class: "plm-message-actions" }, copy, retry, branch, statsRoot);
  const answer = element(
    "article",
    { class: "plm-message-answer", "aria-label": "Answer" },
    element("h2", { class: "plm-visually-hidden" }, "Answer"),
    roundsRoot,
    waiting,
    ending,
    noticeRoot,
    actions,
  );
  const dropped = element("p", { class: "plm-message-dropped plm-muted" });
  setText(dropped, "The context is full: the model no longer sees what stands above.");
  root.append(dropped, question, answer);

  return {
    /** @param {{turn: Turn, isLast: boolean, isFirstShown: boolean, canRetry: boolean, canBranch: boolean, now: number}} view */
    update({ turn, isLast, isFirstShown, canRetry, canBranch, now }) {
      dropped.hidden = !isFirstShown;
      const closed = isClosed(turn);
      answerSource = turn.answer;
      setText(questionText, turn.question);
      rounds.update(turn, now);
      setText(waiting, waitingSentence(turn));
      waiting.hidden = waiting.textContent === "";
      setText(ending, turn.finishReason ? finishSentence(turn.finishReason, turn.usage) : "");
      ending.hidden = ending.textContent === "";
      noticeRoot.hidden = turn.error === null;
      notice.update({
        error: turn.error,
        tone: "error",
        canTryAgain: isLast && canRetry,
        canDismiss: false,
      });
      stats.update(closed ? turn.usage : null);
      answer.setAttribute("aria-busy", String(!closed));
      actions.hidden = !closed;
      copy.hidden = turn.answer === "";
      retry.hidden = !isLast || turn.error !== null;
      retry.disabled = !canRetry;
      branch.disabled = !canBranch;
      edit.disabled = !canBranch;
    },
  };
}

/**
 * The rounds of a turn, each where it stays.
 * @param {HTMLElement} root
 * @param {(content: string) => void} onCallAnswer
 */
function mountRounds(root, onCallAnswer) {
  /** @type {Array<ReturnType<typeof mountRound>>} */
  const shown = [];
  return {
    /**
     * @param {Turn} turn
     * @param {number} now
     */
    update(turn, now) {
      const running = turn.status === "thinking";
      const elapsedMs = running && turn.thinkingSince !== null ? now - turn.thinkingSince : turn.thinkingMs;
      for (const [index, round] of [...turn.rounds, turn].entries()) {
        if (!shown[index]) {
          const item = element("div");
          root.append(item);
          shown[index] = mountRound(item, { onCallAnswer });
        }
        const isLast = round === turn;
        shown[index].update(round, {
          running: isLast && running,
          elapsedMs: isLast ? elapsedMs : round.thinkingMs,
          answerForm: turn.answerForm,
        });
      }
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
