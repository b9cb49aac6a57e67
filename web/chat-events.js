// @ts-check
/**
 * What the page does at which events, and the events of a turn as the chat's state takes them.
 *
 * @module
 */

import { callOf } from "./tool-loop.js";

/** @typedef {import("./chat-state.js").ChatEvent} ChatEvent */
/** @typedef {import("./tool-loop.js").TurnLoopEvent} TurnLoopEvent */

/** Too frequent to store the chat at each; it is stored anyway when the page goes away. */
export const UNSAVED_EVENTS = new Set(["reasoning", "text", "progress", "draft", "prefill", "counted"]);

/** After these the next prompt may have another length. */
export const COUNTED_EVENTS = new Set([
  "ready",
  "draft",
  "done",
  "thinking",
  "system",
  "opened",
  "new-chat",
  "turnsDropped",
  "tools",
  "branch",
  "chat-chosen",
]);

/**
 * @param {TurnLoopEvent} event
 * @param {number} id  of the turn
 * @returns {ChatEvent}
 */
export function chatEvent(event, id) {
  const at = Date.now();
  switch (event.kind) {
    case "done":
      return { kind: "done", id, finishReason: event.finishReason, usage: event.usage, at };
    case "reasoning":
    case "text":
      return { kind: event.kind, id, text: event.text, at };
    case "toolCall":
      return { kind: "toolCall", id, call: callOf(event), at };
    case "stopped":
      return { kind: "stopped", id, at };
    case "logprobs":
      throw new TypeError("the page did not ask for logprobs");
    default:
      return { ...event, id };
  }
}
