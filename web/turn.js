// @ts-check
/**
 * One question and what came of it, as plain values: rounds of reasoning and calls of tools, then the answer; and how each
 * event of a generation moves it on.
 *
 * Pure: no clock (events carry `at`, ms since the epoch). Knows no other turn.
 *
 * @module
 */

/** @typedef {import("./protocol.js").ErrorDescription} ErrorDescription */
/** @typedef {import("./protocol.js").FinishReason} FinishReason */
/** @typedef {import("./protocol.js").ToolCall} ToolCall */
/** @typedef {import("./protocol.js").Usage} Usage */

/**
 * queued: waits for the model · reading: prefill, no token yet · thinking · answering · calling: tools run ·
 * suspended: goes on when a person has the model loaded again · finished · failed: see `error`
 * @typedef {"queued" | "reading" | "thinking" | "answering" | "calling" | "suspended" | "finished" | "failed"} TurnStatus
 */

/**
 * What the model asked a tool for.
 * @typedef {object} Call
 * @property {ToolCall} call
 * @property {string | null} result  what the model is told; null: not known yet
 * @property {boolean} asksPerson  it waits for a person to say what the result is
 */

/**
 * What the model said before it went on with the results of its calls.
 * @typedef {object} Round
 * @property {string} reasoning
 * @property {number} thinkingMs
 * @property {string} answer
 * @property {readonly Call[]} calls
 */

/**
 * `reasoning`, `answer` and `calls` are those of its last round.
 * @typedef {object} Turn
 * @property {number} id  unique in this page, ascending
 * @property {string} question
 * @property {boolean} enableThinking
 * @property {"json_schema" | "regex" | null} answerForm  what form the answer was asked for in
 * @property {TurnStatus} status
 * @property {{readTokens: number, promptTokens: number} | null} prefill  how far a long prompt is read
 * @property {readonly Round[]} rounds  the earlier ones
 * @property {string} reasoning
 * @property {string} answer  Markdown, as the model wrote it
 * @property {readonly Call[]} calls
 * @property {number | null} thinkingSince  ms since the epoch; null before the first token of reasoning
 * @property {number} thinkingMs  how long it thought; counts only when thinking is over
 * @property {FinishReason | null} finishReason
 * @property {Usage | null} usage
 * @property {ErrorDescription | null} error
 * @property {number} [shownBefore]  the chat's first turn that the model saw, before this one had no room for it
 */

/**
 * @typedef {{kind: "turn-started", id: number}
 *   | {kind: "prefill", id: number, readTokens: number, promptTokens: number}
 *   | {kind: "reasoning", id: number, text: string, at: number}
 *   | {kind: "text", id: number, text: string, at: number}
 *   | {kind: "toolCall", id: number, call: ToolCall, at: number}
 *   | {kind: "toolAsked", id: number, index: number}
 *   | {kind: "toolResult", id: number, index: number, content: string}
 *   | {kind: "roundEnded", id: number}
 *   | {kind: "cutBack", id: number, reasoning: number, answer: number, calls: number}
 *   | {kind: "stopped", id: number, at: number}
 *   | {kind: "done", id: number, finishReason: FinishReason, usage: Usage, at: number}
 * } TurnEvent
 */

/**
 * @param {number} id
 * @param {string} question
 * @param {Pick<Turn, "enableThinking" | "answerForm">} settings
 * @returns {Turn}
 */
export function newTurn(id, question, { enableThinking, answerForm }) {
  return {
    id,
    question,
    enableThinking,
    answerForm,
    status: "queued",
    prefill: null,
    rounds: [],
    reasoning: "",
    answer: "",
    calls: [],
    thinkingSince: null,
    thinkingMs: 0,
    finishReason: null,
    usage: null,
    error: null,
  };
}

/**
 * Whether there is anything of an answer.
 * @param {Pick<Turn, "reasoning" | "answer" | "calls" | "rounds">} turn
 */
export function hasBegun({ reasoning, answer, calls, rounds }) {
  return reasoning !== "" || answer !== "" || calls.length > 0 || rounds.length > 0;
}

/** @param {Pick<Turn, "status">} turn */
export function isClosed({ status }) {
  return status === "finished" || status === "failed";
}

/**
 * @param {Turn} turn
 * @param {TurnEvent} event
 * @returns {Turn}
 */
export function advanceTurn(turn, event) {
  switch (event.kind) {
    case "turn-started":
      return { ...turn, status: "reading" };
    case "prefill":
      return { ...turn, prefill: { readTokens: event.readTokens, promptTokens: event.promptTokens } };
    case "reasoning": {
      const reasoning = turn.reasoning + event.text;
      const thinkingSince = turn.thinkingSince ?? event.at - turn.thinkingMs;
      return { ...turn, status: "thinking", reasoning, thinkingSince };
    }
    case "text":
      return { ...endThinking(turn, event.at), status: "answering", answer: turn.answer + event.text };
    case "toolCall": {
      const calls = [...turn.calls, { call: event.call, result: null, asksPerson: false }];
      return { ...endThinking(turn, event.at), status: "calling", calls };
    }
    case "toolAsked":
      return changeCall(turn, event.index, { asksPerson: true });
    case "toolResult":
      return changeCall(turn, event.index, { asksPerson: false, result: event.content });
    case "roundEnded":
      return beginRound(turn);
    case "cutBack":
      return { ...turn, ...cutBack(turn, event) };
    case "stopped":
      return { ...closeTurn(turn, event.at), finishReason: "abort" };
    case "done": {
      const { finishReason, usage, at } = event;
      return { ...closeTurn(turn, at), finishReason, usage };
    }
  }
}

/**
 * What there is of an answer that goes on no more.
 * @param {Turn} turn
 * @param {number | null} at  null: when that was is not known
 * @returns {Turn}
 */
export function closeTurn(turn, at) {
  const ended = at === null ? turn : endThinking(turn, at);
  const calls = turn.calls.map((call) => ({ ...call, asksPerson: false }));
  return { ...ended, calls, status: "finished" };
}

/**
 * @param {Turn} turn
 * @param {number} at
 * @returns {Turn}
 */
export function endThinking(turn, at) {
  if (turn.status !== "thinking" || turn.thinkingSince === null) return turn;
  return { ...turn, thinkingMs: at - turn.thinkingSince };
}

/**
 * The time until it goes on is not spent on thinking.
 * @param {Turn} turn
 * @param {number} at
 * @returns {Turn}
 */
export function suspend(turn, at) {
  return { ...endThinking(turn, at), status: "suspended", thinkingSince: null };
}

/**
 * @param {Turn} turn
 * @param {number} index
 * @param {Partial<Call>} change
 * @returns {Turn}
 */
function changeCall(turn, index, change) {
  return { ...turn, calls: turn.calls.with(index, { ...turn.calls[index], ...change }) };
}

/**
 * What is certain of a round that was interrupted; the rest of it is told again.
 * @template {Pick<Round, "reasoning" | "answer" | "calls">} Told
 * @param {Told} told
 * @param {{reasoning: number, answer: number, calls: number}} certain  characters, and calls
 */
export function cutBack(told, { reasoning, answer, calls }) {
  return {
    reasoning: told.reasoning.slice(0, reasoning),
    answer: told.answer.slice(0, answer),
    calls: told.calls.slice(0, calls),
  };
}

/**
 * @param {Turn} turn
 * @returns {Turn}
 */
function beginRound(turn) {
  const { reasoning, thinkingMs, answer, calls } = turn;
  return {
    ...turn,
    rounds: [...turn.rounds, { reasoning, thinkingMs, answer, calls }],
    status: "reading",
    prefill: null,
    reasoning: "",
    answer: "",
    calls: [],
    thinkingSince: null,
    thinkingMs: 0,
  };
}
