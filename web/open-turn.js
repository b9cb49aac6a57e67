// @ts-check
/**
 * The turn of a chat that is not closed: whether there is one, whether it may start, and what becomes of it when it cannot.
 *
 * @module
 */

import { hasBegun, isClosed } from "./turn.js";

/** @typedef {import("./chat-state.js").ChatState} ChatState */
/** @typedef {import("./turn.js").Turn} Turn */

/**
 * The turn that is being answered or waits for it.
 * @param {Pick<ChatState, "turns">} state
 * @returns {Turn | null}
 */
export function openTurn(state) {
  const last = state.turns.at(-1);
  return last && !isClosed(last) ? last : null;
}

/** @param {Pick<ChatState, "turns">} state */
export function isBusy(state) {
  return openTurn(state) !== null;
}

/**
 * The turn to start now, if there is one.
 * @param {ChatState} state
 * @returns {Turn | null}
 */
export function nextTurn(state) {
  const turn = openTurn(state);
  return state.phase === "ready" && turn?.status === "queued" ? turn : null;
}

/**
 * Takes questions without a first token out of the chat and puts their text back before the draft.
 * @param {ChatState} state
 * @returns {ChatState}
 */
export function returnUnanswered(state) {
  const unanswered = state.turns.filter((turn) => !isClosed(turn) && !hasBegun(turn));
  if (unanswered.length === 0) return state;
  const parts = [...unanswered.map((turn) => turn.question), state.draft];
  return {
    ...state,
    turns: state.turns.filter((turn) => !unanswered.includes(turn)),
    draft: parts.filter((part) => part !== "").join("\n"),
    // What its question had no room for is shown again: another one may leave it room.
    firstShownId: unanswered[0].shownBefore ?? state.firstShownId,
  };
}
