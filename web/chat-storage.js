// @ts-check
/**
 * A chat as text that outlives a reload, and back.
 *
 * Pure: whoever calls it knows where the text is kept.
 *
 * @module
 */

import { stopTurn } from "./chat-shelf.js";
import { emptyChat } from "./chat-state.js";
import { returnUnanswered } from "./open-turn.js";
import { restoreFormat } from "./response-format.js";
import { restoreSampling } from "./sampling-fields.js";
import { hasBegun, isClosed } from "./turn.js";

/** @typedef {import("./chat-state.js").ChatState} ChatState */
/** @typedef {import("./chat-shelf.js").ShelvedChat} ShelvedChat */
/** @typedef {import("./turn.js").Turn} Turn */

/**
 * What of a chat outlives a reload, as JSON.
 * @param {ChatState} state
 */
export function storeChat(state) {
  const { chatId, isBranch, turns, firstShownId, system, others } = state;
  const { draft, enableThinking, sampling, format } = state;
  const chat = { chatId, isBranch, turns, firstShownId, system, others };
  return JSON.stringify({ version: 1, ...chat, draft, enableThinking, sampling, format });
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
    const turns = value.turns.map(restoreTurn);
    const others = restoreOthers(value.others);
    const ids = [...turns, ...others.flatMap((chat) => chat.turns)].map(({ id }) => id);
    return returnUnanswered({
      ...empty,
      chatId: Number.isInteger(value.chatId) ? value.chatId : 1,
      isBranch: value.isBranch === true,
      turns,
      firstShownId: Number.isInteger(value.firstShownId) ? value.firstShownId : 1,
      system: String(value.system ?? ""),
      others,
      nextId: 1 + Math.max(0, ...ids),
      draft: String(value.draft ?? ""),
      enableThinking: value.enableThinking !== false,
      sampling: restoreSampling(value.sampling),
      format: restoreFormat(value.format),
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
 * Chats that cannot be read are left out.
 * @param {unknown} stored
 * @returns {ShelvedChat[]}
 */
function restoreOthers(stored) {
  if (!Array.isArray(stored)) return [];
  return stored
    .filter((chat) => Number.isInteger(chat?.id) && Array.isArray(chat.turns) && chat.turns.every(isTurn))
    .map(({ id, turns, firstShownId, system, isBranch }) => ({
      id,
      turns: turns.map(restoreTurn),
      firstShownId: Number.isInteger(firstShownId) ? firstShownId : 1,
      system: String(system ?? ""),
      isBranch: isBranch === true,
    }));
}

/**
 * What an earlier version of the page stored has no calls and no form.
 * @param {Turn} stored
 * @returns {Turn}
 */
function restoreTurn(stored) {
  const turn = {
    ...stored,
    rounds: stored.rounds ?? [],
    calls: stored.calls ?? [],
    answerForm: stored.answerForm ?? null,
  };
  return isClosed(turn) || !hasBegun(turn) ? turn : stopTurn(turn, null);
}
