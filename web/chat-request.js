// @ts-check
/**
 * What a chat asks of the model: messages, mode, sampling and form of the answer, as the worker takes them.
 *
 * Pure: reads the state and changes nothing.
 *
 * @module
 */

import { GrammarError } from "./errors.js";
import { readFormat } from "./response-format.js";

/** @typedef {import("./chat-state.js").ChatState} ChatState */
/** @typedef {import("./turn.js").Round} Round */
/** @typedef {import("./turn.js").Turn} Turn */
/** @typedef {import("./protocol.js").ChatMessage} ChatMessage */
/** @typedef {import("./protocol.js").Sampling} Sampling */

/**
 * @param {ChatState} state
 * @param {Turn} turn
 * @returns {import("./protocol.js").GenerateOptions}
 * @throws {GrammarError} the form of answers cannot be read
 */
export function requestFor(state, turn) {
  const { format, problem } = readFormat(state.format);
  if (problem !== undefined) {
    const remedy = "Change the form of answers in the settings, or choose “Any”.";
    throw new GrammarError(problem, { expected: "a form that answers can have", remedy });
  }
  return {
    messages: messagesFor(state, turn),
    enableThinking: willThink(state, turn.enableThinking),
    sampling: samplingFor(state),
    tools: offeredTools(state),
    ...(format === null ? {} : { responseFormat: format }),
    overflow: "truncate-oldest-turns",
  };
}

/**
 * The messages to send for a turn: what the model is shown of the earlier ones, then its question.
 * @param {ChatState} state
 * @param {{id: number, question: string}} turn
 * @returns {ChatMessage[]}
 */
export function messagesFor(state, turn) {
  const earlier = state.turns.filter(({ id }) => id < turn.id);
  return [...messagesOf({ ...state, turns: earlier }), { role: "user", content: turn.question }];
}

/**
 * The conversation as the model is shown it: without the turns that the context had no room for, and without those
 * that were stopped before they said anything. An empty answer would teach the model to be silent.
 * @param {Pick<ChatState, "system" | "turns" | "firstShownId">} state
 * @returns {ChatMessage[]}
 */
export function messagesOf({ system, turns, firstShownId }) {
  /** @type {ChatMessage[]} */
  const messages = system.trim() === "" ? [] : [{ role: "system", content: system }];
  for (const turn of turns) if (turn.id >= firstShownId) messages.push(...messagesOfTurn(turn));
  return messages;
}

/**
 * Question, answer, and what came of calls between them; nothing of a turn in which no text was said. The rule of
 * `pagelm.chat`, so that a chat means the same to the model wherever it goes on.
 * @param {Pick<Turn, "question" | "rounds" | "answer" | "reasoning" | "calls">} turn
 * @returns {ChatMessage[]}
 */
export function messagesOfTurn({ question, rounds, answer, reasoning, calls }) {
  const last = { answer, reasoning, calls: calls.filter(({ result }) => result !== null) };
  const replies = answer === "" && last.calls.length === 0 ? rounds : [...rounds, last];
  if (replies.every((reply) => reply.answer === "")) return [];
  return [{ role: "user", content: question }, ...replies.flatMap(messagesOfRound)];
}

/**
 * What the model said in one round, and what its calls gave. What was broken of these stays as the text that it is.
 * @param {Pick<Round, "answer" | "reasoning" | "calls">} round
 * @returns {ChatMessage[]}
 */
export function messagesOfRound({ answer, reasoning, calls }) {
  const broken = calls.flatMap(({ call }) => (call.problem === undefined ? [] : [call.text]));
  /** @type {ChatMessage} */
  const reply = { role: "assistant", content: [answer, ...broken].filter((text) => text !== "").join("\n") };
  // Without it the template would take what precedes a “</think>” in the answer for the reasoning.
  if (reasoning !== "" || answer.includes("</think>")) reply.reasoning_content = reasoning;
  const entries = calls.flatMap(({ call }) => (call.problem === undefined ? [entryOf(call)] : []));
  if (entries.length > 0) reply.tool_calls = entries;
  return [
    reply,
    ...calls.map(({ result }) => ({ role: /** @type {const} */ ("tool"), content: result ?? "" })),
  ];
}

/**
 * @param {{name: string, arguments: Record<string, unknown>}} call
 * @returns {import("./protocol.js").ToolCallEntry}
 */
function entryOf({ name, arguments: values }) {
  return { type: "function", function: { name, arguments: values } };
}

/**
 * The tools that the model is shown.
 * @param {Pick<ChatState, "ready" | "tools">} state
 * @returns {import("./protocol.js").ToolSchema[]}
 */
export function offeredTools({ ready, tools }) {
  if (!ready?.tools) return [];
  return [...ready.tools, ...tools.own].filter(({ function: { name } }) => tools.enabled.includes(name));
}

/**
 * The prompt that the draft would be sent as, to count its tokens.
 * @param {ChatState} state
 * @returns {import("./protocol.js").CountOptions}
 */
export function nextPrompt(state) {
  const messages = messagesFor(state, { id: state.nextId, question: state.draft.trim() });
  const tools = offeredTools(state);
  return { messages, enableThinking: willThink(state, state.enableThinking), tools };
}

/**
 * What the first question's prompt will begin with; null where that is nothing, or where something has been said.
 * @param {ChatState} state
 * @returns {import("./protocol.js").CountOptions | null}
 */
export function preface(state) {
  // Asked at every key that is pressed: the first turn that counts is enough to know.
  if (state.turns.some((turn) => turn.id >= state.firstShownId && messagesOfTurn(turn).length > 0))
    return null;
  const messages = messagesOf({ ...state, turns: [] });
  const tools = offeredTools(state);
  if (messages.length === 0 && tools.length === 0) return null;
  return { messages, enableThinking: willThink(state, state.enableThinking), tools };
}

/**
 * Whether the model is asked to think: what a person prefers counts where it can.
 * @param {ChatState} state
 * @param {boolean} preferred
 */
export function willThink(state, preferred) {
  return preferred && state.ready?.model.thinking !== false;
}

/**
 * What counts of the settings: a model that does not think refuses a budget for it.
 * @param {ChatState} state
 * @returns {Sampling}
 */
export function samplingFor(state) {
  if (state.ready?.model.thinking !== false) return state.sampling;
  const { thinkingBudget: _, ...counted } = state.sampling;
  return counted;
}
