// @ts-check
/**
 * What a screen reader is told, and when: that the model is ready, that it thinks, and the finished answer; never tokens.
 *
 * Pure. Errors and notes are not announced here: the notice does it.
 *
 * @module
 */

/** @typedef {import("./chat-state.js").ChatState} ChatState */
/** @typedef {import("./chat-state.js").ChatEvent} ChatEvent */

/**
 * @param {ChatEvent} event
 * @param {ChatState} before  the state the event met
 * @returns {string}  "" when there is nothing to say
 */
export function announcementFor(event, before) {
  switch (event.kind) {
    case "load-started":
      return before.phase === "loading" ? "" : "The model is loading again.";
    case "load-resumed":
      return "The model is loading again.";
    case "ready":
      return "The model is ready.";
    case "question":
      return before.phase === "loading" ? "The question is sent when the model is ready." : "";
    case "reasoning":
      return turnOf(before, event.id)?.reasoning === "" ? "Thinking." : "";
    case "done":
      return announceEnd(event, turnOf(before, event.id));
    case "toolAsked":
      return "The model waits for a result that you write.";
    case "toolResult":
      return `Tool's result: ${event.content}`;
    case "new-chat":
      return "New chat.";
    case "branch":
      return "A branch of this chat.";
    default:
      return "";
  }
}

/**
 * @param {ChatState} state
 * @param {number} id
 */
function turnOf(state, id) {
  return state.turns.find((turn) => turn.id === id);
}

/**
 * @param {Extract<ChatEvent, {kind: "done"}>} event
 * @param {import("./chat-state.js").Turn | undefined} turn  undefined: a new chat took it away
 */
function announceEnd(event, turn) {
  if (turn === undefined) return "";
  const stopped = event.finishReason === "abort" ? "Stopped. " : "";
  // Markdown's marks would be read out.
  const spoken = turn.answer.replace(/\*\*|```\w*|^#+ /gm, "").trim();
  return `${stopped}${spoken === "" ? "" : `Answer: ${spoken}`}`.trim();
}
