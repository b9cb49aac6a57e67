// @ts-check
/**
 * A chat as text that outlives a reload, and back.
 *
 * Pure: whoever calls it knows where the text is kept.
 *
 * @module
 */

import { emptyChat, returnUnanswered } from "./chat-state.js";
import { restoreSampling } from "./sampling-fields.js";

/** @typedef {import("./chat-state.js").ChatState} ChatState */
/** @typedef {import("./chat-state.js").Turn} Turn */

/**
 * What of a chat outlives a reload, as JSON.
 * @param {ChatState} state
 */
export function storeChat(state) {
  const { turns, nextId, firstShownId, system, draft, enableThinking, sampling } = state;
  return JSON.stringify({ version: 1, turns, nextId, firstShownId, system, draft, enableThinking, sampling });
}

/**
 * A chat from what `storeChat` wrote. An answer that was being written when the page went away is kept as stopped; a
 * question without a first token goes back to the composer. Anything unreadable gives an empty chat.
 * @param {string | null} stored
 * @returns {ChatState}
 */
export function restoreChat(stored) {
  const empty = emptyChat();
  if (stored === null) return empty;
  try {
    const value = JSON.parse(stored);
    if (value?.version !== 1 || !Array.isArray(value.turns) || !value.turns.every(isTurn)) return empty;
    return returnUnanswered({
      ...empty,
      turns: value.turns.map(closeTurn),
      nextId: 1 + Math.max(0, ...value.turns.map((/** @type {Turn} */ turn) => turn.id)),
      firstShownId: Number.isInteger(value.firstShownId) ? value.firstShownId : 1,
      system: String(value.system ?? ""),
      draft: String(value.draft ?? ""),
      enableThinking: value.enableThinking !== false,
      sampling: restoreSampling(value.sampling),
    });
  } catch {
    return empty;
  }
}

/**
 * @param {any} value
 * @returns {value is Turn}
 */
function isTurn(value) {
  return (
    Number.isInteger(value?.id) &&
    typeof value.question === "string" &&
    typeof value.reasoning === "string" &&
    typeof value.answer === "string" &&
    typeof value.status === "string"
  );
}

/**
 * @param {Turn} turn
 * @returns {Turn}
 */
function closeTurn(turn) {
  if (turn.status !== "thinking" && turn.status !== "answering") return turn;
  return { ...turn, status: "finished", finishReason: "abort" };
}
