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
 * @throws {SavedChatError} it is no saved chat, another model's, or used what this page has not
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
  const system = messages[0]?.role === "system" ? messages[0].content : "";
  const spoken = system === "" ? messages : messages.slice(1);
  if (spoken.some(({ role }) => role === "tool"))
    throw refused("it used tools, which this page has not", "a chat without tools");
  if (!inTurn(spoken)) throw refused("its messages are out of order", "questions and answers in turn");
  const dropped = value.dropped_messages;
  if (!Number.isInteger(dropped) || dropped < 0 || dropped > spoken.length) {
    throw refused(`it dropped ${JSON.stringify(dropped)} messages`, `0 to ${spoken.length}`);
  }
  return {
    system,
    messages: spoken,
    droppedMessages: dropped,
    enableThinking: value.enable_thinking !== false,
  };
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
    ["undefined", "string"].includes(typeof message.reasoning_content)
  );
}

/** @param {ChatMessage[]} messages */
function inTurn(messages) {
  const roles = messages.map(({ role }) => role);
  return (
    messages.length % 2 === 0 && roles.every((role, index) => role === (index % 2 ? "assistant" : "user"))
  );
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
