// @ts-check
/**
 * The chats that a page keeps: the one that is shown, and the others, latest first. Branches, switches, deletes.
 *
 * Pure. Turns are shared between a chat and its branches, never copied: they are values. Nothing here happens while an
 * answer is being made, but a new chat, which ends it.
 *
 * @module
 */

import { openTurn, returnUnanswered } from "./open-turn.js";
import { closeTurn } from "./turn.js";

/** @typedef {import("./chat-state.js").ChatState} ChatState */
/** @typedef {import("./turn.js").Turn} Turn */

/**
 * A chat that is not shown.
 * @typedef {object} ShelvedChat
 * @property {number} id
 * @property {readonly Turn[]} turns
 * @property {number} firstShownId
 * @property {string} system
 * @property {boolean} isBranch
 */

/**
 * A chat without turns in the place of this one, which is kept. An answer that is being made ends; a question without a
 * first token goes back to the composer.
 * @param {ChatState} state
 * @param {number} at  ms since the epoch
 * @returns {ChatState}
 */
export function startNewChat(state, at) {
  const turn = openTurn(state);
  const ended = returnUnanswered(state);
  const turns = ended.turns.map((each) => (each === turn ? stopTurn(each, at) : each));
  return show({ ...ended, turns }, { turns: [], isBranch: false });
}

/**
 * What there is of an answer, as stopped.
 * @param {Turn} turn
 * @param {number | null} at
 * @returns {Turn}
 */
export function stopTurn(turn, at) {
  return { ...closeTurn(turn, at), finishReason: "abort" };
}

/**
 * Another chat that shares all of this one up to a turn's answer; or up to its question, which then stands in the
 * composer to be changed.
 * @param {ChatState} state
 * @param {number} turnId
 * @param {"answer" | "question"} upTo
 * @returns {ChatState}
 */
export function branchChat(state, turnId, upTo) {
  const index = state.turns.findIndex(({ id }) => id === turnId);
  if (index < 0 || openTurn(state)) return state;
  const turns = state.turns.slice(0, upTo === "answer" ? index + 1 : index);
  // Where all that the branch shares had been left out, the model sees it again: there is room for it now.
  const isSeen = turns.some(({ id }) => id >= state.firstShownId);
  const firstShownId = isSeen ? state.firstShownId : (turns[0]?.id ?? state.firstShownId);
  const branch = show(state, { turns, isBranch: true, firstShownId });
  if (upTo === "answer") return branch;
  const parts = [state.turns[index].question, state.draft];
  return { ...branch, draft: parts.filter((part) => part !== "").join("\n") };
}

/**
 * @param {ChatState} state
 * @param {number} id
 * @returns {ChatState}
 */
export function switchChat(state, id) {
  const chosen = state.others.find((chat) => chat.id === id);
  if (!chosen || openTurn(state)) return state;
  const shown = show(state, chosen);
  return { ...shown, chatId: id, others: shown.others.filter((chat) => chat.id !== id) };
}

/**
 * @param {ChatState} state
 * @param {number} id  of one that is not shown
 * @returns {ChatState}
 */
export function deleteChat(state, id) {
  return { ...state, others: state.others.filter((chat) => chat.id !== id) };
}

/**
 * Puts the chat that is shown on the shelf, if anything was said in it, and shows another one.
 * @param {ChatState} state
 * @param {Pick<ShelvedChat, "turns" | "isBranch"> & Partial<ShelvedChat>} chat
 * @returns {ChatState}
 */
export function show(state, { turns, isBranch, firstShownId = state.firstShownId, system = state.system }) {
  const { chatId: id, others } = state;
  const shelved = {
    id,
    turns: state.turns,
    firstShownId: state.firstShownId,
    system: state.system,
    isBranch: state.isBranch,
  };
  return {
    ...state,
    chatId: 1 + Math.max(id, ...others.map((chat) => chat.id)),
    others: state.turns.length > 0 ? [shelved, ...others] : others,
    turns: [...turns],
    firstShownId,
    system,
    isBranch,
    notice: state.phase === "failed" ? state.notice : null,
  };
}
