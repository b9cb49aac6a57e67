// @ts-check
/**
 * The messages of a saved chat as turns: each question with the rounds of calls that followed it, and its answer.
 *
 * Pure. A call that could not be understood was saved as the text that it is, with the result that told the model so: it
 * comes back as a call without a name.
 *
 * @module
 */

/** @typedef {import("./chat-state.js").SavedTurn} SavedTurn */
/** @typedef {import("./protocol.js").ChatMessage} ChatMessage */
/** @typedef {import("./turn.js").Call} Call */
/** @typedef {import("./turn.js").Round} Round */

/**
 * @param {ChatMessage[]} messages  without the system prompt
 * @returns {SavedTurn[] | null}  null: they are out of order
 */
export function readTurns(messages) {
  /** @type {SavedTurn[]} */
  const turns = [];
  for (let at = 0; at < messages.length; ) {
    if (messages[at].role !== "user") return null;
    const question = messages[at].content;
    const { rounds, next } = readRounds(messages, at + 1);
    if (rounds.length === 0) return null;
    const last = rounds[rounds.length - 1];
    // A turn that ended with calls has no answer.
    const answered = last.calls.length === 0;
    turns.push({
      question,
      rounds: answered ? rounds.slice(0, -1) : rounds,
      reasoning: answered ? last.reasoning : "",
      answer: answered ? last.answer : "",
    });
    at = next;
  }
  return turns;
}

/**
 * @param {ChatMessage[]} messages
 * @param {number} start
 */
function readRounds(messages, start) {
  /** @type {Round[]} */
  const rounds = [];
  let next = start;
  while (messages[next]?.role === "assistant" && (rounds.at(-1)?.calls.length ?? 1) > 0) {
    const reply = messages[next++];
    /** @type {string[]} */
    const results = [];
    while (messages[next]?.role === "tool") results.push(messages[next++].content);
    const { content: answer, reasoning_content: reasoning = "" } = reply;
    rounds.push({ reasoning, thinkingMs: 0, answer, calls: readCalls(reply, results) });
  }
  return { rounds, next };
}

/**
 * @param {ChatMessage} reply
 * @param {string[]} results  in the order of its calls
 * @returns {Call[]}
 */
function readCalls({ tool_calls: entries = [] }, results) {
  return results.map((result, index) => {
    const entry = entries[index]?.function;
    const call = entry
      ? { name: entry.name, arguments: entry.arguments }
      : { text: "", problem: "It could not be understood." };
    return { call, result, asksPerson: false };
  });
}
