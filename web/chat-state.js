// @ts-check
/**
 * What a chat is, as plain values: turns, how loading goes, settings; and one reducer that moves it by events.
 *
 * Pure: no DOM, no clock (events carry `at`, ms since the epoch), no worker. Events are nouns about what happened;
 * whoever owns the client reads `nextTurn` to see what is to be done.
 *
 * @module
 */

import { messagesOfTurn } from "./chat-request.js";
import { branchChat, deleteChat, show, startNewChat, stopTurn, switchChat } from "./chat-shelf.js";
import { isBusy, openTurn, returnUnanswered } from "./open-turn.js";
import { NO_FORMAT } from "./response-format.js";
import { advanceTurn, endThinking, hasBegun, newTurn, suspend } from "./turn.js";

/** @typedef {import("./chat-types.js").ChatEvent} ChatEvent */
/** @typedef {import("./chat-types.js").ChatState} ChatState */
/** @typedef {import("./chat-types.js").SavedChat} SavedChat */
/** @typedef {import("./chat-types.js").SavedTurn} SavedTurn */
/** @typedef {import("./chat-types.js").ToolChoice} ToolChoice */
/** @typedef {import("./turn.js").Turn} Turn */

/** @returns {ChatState} */
export function emptyChat() {
  return {
    phase: "loading",
    progress: {},
    ready: null,
    chatId: 1,
    isBranch: false,
    turns: [],
    firstShownId: 1,
    context: null,
    system: "",
    others: [],
    nextId: 1,
    draft: "",
    enableThinking: true,
    sampling: {},
    tools: { enabled: [], own: [] },
    format: NO_FORMAT,
    formatProblem: "",
    notice: null,
  };
}

/**
 * @param {ChatState} state
 * @param {ChatEvent} event
 * @returns {ChatState}
 */
export function reduceChat(state, event) {
  switch (event.kind) {
    case "load-started":
      return {
        ...interruptTurns(state, event.at),
        phase: "loading",
        progress: {},
        ready: null,
        notice: null,
      };
    case "progress":
      return { ...state, progress: { ...state.progress, [event.progress.stage]: event.progress } };
    case "ready":
      return { ...state, phase: "ready", ready: event.ready };
    case "load-failed":
      return suspendTurn(
        {
          ...state,
          phase: "failed",
          ready: null,
          notice: { tone: "error", error: event.error, remedy: "load" },
        },
        event.at,
      );
    case "load-resumed":
      return { ...state, phase: "loading", progress: {}, notice: null };
    case "lost":
      // The turn stays as it is: it goes on when the model has been loaded again.
      return { ...state, phase: "loading", progress: {}, ready: null, notice: event.notice };
    case "draft":
      return { ...state, draft: event.text };
    case "question":
      return askQuestion(state, event.text);
    case "retry":
      return retryLast(state);
    case "turnsDropped":
      return dropTurns(state, event.id, event.messages);
    case "counted":
      return { ...state, context: event.counted };
    case "turn-failed":
      return failTurn(state, event);
    case "queue-stopped":
      return returnUnanswered(state);
    case "new-chat":
      return startNewChat(state, event.at);
    case "branch":
      return branchChat(state, event.id, event.upTo);
    case "chat-chosen":
      return switchChat(state, event.id);
    case "chat-deleted":
      return deleteChat(state, event.id);
    case "thinking":
      return { ...state, enableThinking: event.enabled };
    case "sampling":
      return { ...state, sampling: event.sampling };
    case "system":
      return { ...state, system: event.text };
    case "tools":
      return { ...state, tools: event.tools };
    case "format":
      return { ...state, format: event.format };
    case "format-checked":
      return { ...state, formatProblem: event.problem };
    case "opened":
      return openSaved(state, event.chat);
    case "notice":
      return { ...state, notice: event.notice };
    case "notice-dismissed":
      return { ...state, notice: null };
    default:
      return changeTurn(state, event.id, (turn) => advanceTurn(turn, event));
  }
}

/**
 * A question is taken when nothing else is being answered; while the model loads it waits in the queue.
 * @param {ChatState} state
 * @param {string} text
 * @returns {ChatState}
 */
function askQuestion(state, text) {
  const question = text.trim();
  if (question === "" || isBusy(state) || state.phase === "failed") return state;
  const turn = newTurn(state.nextId, question, settingsOfTurn(state));
  return { ...state, turns: [...state.turns, turn], nextId: state.nextId + 1, draft: "", notice: null };
}

/** @param {ChatState} state */
function settingsOfTurn({ enableThinking, format }) {
  return { enableThinking, answerForm: format.kind === "none" ? null : format.kind };
}

/**
 * The last question again, with the settings of now; its old answer goes.
 * @param {ChatState} state
 * @returns {ChatState}
 */
function retryLast(state) {
  const last = state.turns.at(-1);
  if (!last || isBusy(state) || state.phase === "failed") return state;
  const turn = newTurn(state.nextId, last.question, settingsOfTurn(state));
  return { ...state, turns: [...state.turns.slice(0, -1), turn], nextId: state.nextId + 1, notice: null };
}

/**
 * @param {ChatState} state
 * @param {number} id
 * @param {(turn: Turn) => Turn} change
 * @returns {ChatState}
 */
function changeTurn(state, id, change) {
  const index = state.turns.findIndex((turn) => turn.id === id);
  // An event of a turn that is gone (new chat while it ran) changes nothing.
  if (index < 0) return state;
  return { ...state, turns: state.turns.with(index, change(state.turns[index])) };
}

/**
 * The model sees the oldest turns no more; they stay for the person.
 * @param {ChatState} state
 * @param {number} id  of the turn that had no room
 * @param {number} messages  how many of those that were sent
 * @returns {ChatState}
 */
function dropTurns(state, id, messages) {
  let left = messages;
  const first = state.turns.find((turn) => {
    if (turn.id < state.firstShownId) return false;
    if (left <= 0 || turn.id === id) return true;
    left -= messagesOfTurn(turn).length;
    return false;
  });
  const cut = changeTurn(state, id, (turn) => ({
    ...turn,
    shownBefore: turn.shownBefore ?? state.firstShownId,
  }));
  return { ...cut, firstShownId: first?.id ?? id };
}

/**
 * A turn that failed before its first token was never answered: its question goes back to the composer. One that failed
 * later keeps what there is of it and shows the error in its place.
 * @param {ChatState} state
 * @param {Extract<ChatEvent, {kind: "turn-failed"}>} event
 * @returns {ChatState}
 */
function failTurn(state, { id, error, at }) {
  const failed = state.turns.find((turn) => turn.id === id);
  if (!failed) return state;
  if (!hasBegun(failed))
    return returnUnanswered({ ...state, notice: { tone: "error", error, remedy: "send" } });
  return changeTurn(state, id, (turn) => ({ ...endThinking(turn, at), status: "failed", error }));
}

/**
 * What a new load does to an answer that was being made: what there is of it is kept as stopped; a question without a
 * first token waits for the model again.
 * @param {ChatState} state
 * @param {number} at
 * @returns {ChatState}
 */
function interruptTurns(state, at) {
  const open = openTurn(state);
  if (!open) return state;
  return changeTurn(state, open.id, (turn) =>
    hasBegun(turn) ? stopTurn(turn, at) : { ...turn, status: "queued" },
  );
}

/**
 * What becomes of the open turn when the model is no longer loaded: what there is of an answer waits to go on; a question
 * without a first token goes back to the composer.
 * @param {ChatState} state
 * @param {number} at
 * @returns {ChatState}
 */
function suspendTurn(state, at) {
  const kept = returnUnanswered(state);
  const open = openTurn(kept);
  return open ? changeTurn(kept, open.id, (turn) => suspend(turn, at)) : kept;
}

/**
 * A chat from a file in the place of this one, which is kept; the draft stays.
 * @param {ChatState} state
 * @param {SavedChat} saved
 * @returns {ChatState}
 */
function openSaved(state, { system, turns: saved, droppedTurns, enableThinking }) {
  if (isBusy(state)) return state;
  const { nextId } = state;
  const turns = saved.map((turn, index) => ({
    ...newTurn(nextId + index, turn.question, { enableThinking, answerForm: null }),
    ...turn,
    status: /** @type {const} */ ("finished"),
  }));
  const shown = show(state, { turns, system, firstShownId: nextId + droppedTurns, isBranch: false });
  return { ...shown, nextId: nextId + turns.length, enableThinking, notice: null };
}
