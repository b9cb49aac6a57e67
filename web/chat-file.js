// @ts-check
/**
 * A chat as a file to keep and to go on with: the JSON that `pagelm.saved_chat` reads and writes, too.
 *
 * Pure; knows nothing of files and the DOM.
 *
 * @module
 */

import { messagesOf } from "./chat-request.js";
import { SavedChatError } from "./errors.js";
import { readTurns } from "./saved-turns.js";

/** @typedef {import("./chat-state.js").ChatState} ChatState */
/** @typedef {import("./chat-state.js").SavedChat} SavedChat */
/** @typedef {import("./protocol.js").ChatMessage} ChatMessage */

const FORMAT = "pagelm-chat";
const VERSION = 1;

/**
 * @param {ChatState} state
 * @param {string} model  its name
 */
export function writeChatFile(state, model) {
  const all = messagesOf({ ...state, firstShownId: 0 });
  const value = {
    format: FORMAT,
    version: VERSION,
    model,
    enable_thinking: state.enableThinking,
    overflow: "truncate-oldest-turns",
    dropped_messages: all.length - messagesOf(state).length,
    messages: all,
  };
  return `${JSON.stringify(value, null, 1)}\n`;
}

/**
 * @param {string} text
 * @param {string} model  name of the one that is loaded
 * @returns {SavedChat}
 * @throws {SavedChatError} it is no saved chat, or another model's
 */
export function readChatFile(text, model) {
  const value = parse(text);
  if (value?.format !== FORMAT) throw refused("it is no saved chat", `a file of the format ${FORMAT}`);
  if (value.version !== VERSION)
    throw refused(`its version is ${JSON.stringify(value.version)}`, `${VERSION}`);
  if (value.model !== model) {
    throw refused(`${JSON.stringify(value.model)} answered in it`, `${model}, the model that is loaded`);
  }
  const messages = value.messages;
  if (!Array.isArray(messages) || !messages.every(isMessage)) {
    throw refused("its messages are damaged", "messages with a role and a content");
  }
  const [first] = messages;
  const system = first?.role === "system" ? first.content : "";
  const spoken = first?.role === "system" ? messages.slice(1) : messages;
  const turns = readTurns(spoken);
  if (turns === null)
    throw refused("its messages are out of order", "questions, answers, and tools after the calls of them");
  const dropped = value.dropped_messages;
  const isWhole = dropped === spoken.length || spoken[dropped]?.role === "user";
  if (!Number.isInteger(dropped) || !isWhole) {
    throw refused(
      `it dropped ${JSON.stringify(dropped)} messages`,
      `0 to ${spoken.length}, whole turns of them`,
    );
  }
  const droppedTurns = spoken.slice(0, dropped).filter(({ role }) => role === "user").length;
  return { system, turns, droppedTurns, enableThinking: value.enable_thinking !== false };
}

/** @param {string} text */
function parse(text) {
  try {
    return JSON.parse(text);
  } catch (error) {
    throw refused(`it is not JSON: ${error instanceof Error ? error.message : error}`, "a saved chat");
  }
}

/**
 * @param {any} message
 * @returns {message is ChatMessage}
 */
function isMessage(message) {
  return (
    typeof message?.role === "string" &&
    typeof message.content === "string" &&
    ["undefined", "string"].includes(typeof message.reasoning_content) &&
    (message.tool_calls === undefined ||
      (Array.isArray(message.tool_calls) && message.tool_calls.every(isToolCall)))
  );
}

/** @param {any} entry */
function isToolCall(entry) {
  const { name, arguments: values } = entry?.function ?? {};
  return typeof name === "string" && typeof values === "object" && values !== null && !Array.isArray(values);
}

/**
 * @param {string} problem
 * @param {string} expected
 */
function refused(problem, expected) {
  return new SavedChatError(`The saved chat cannot be opened: ${problem}`, {
    expected,
    remedy: "Choose a file that was saved from a chat with this model.",
  });
}
