// @ts-check
/**
 * One turn with tools: asks the model, has its calls answered, shows it the results and lets it go on, up to a limit.
 *
 * As `pagelm.chat` does it in Python. Knows neither state nor DOM: whoever iterates sees events, and answers the calls that
 * a person has to answer.
 *
 * @module
 */

import { messagesOfRound } from "./chat-request.js";
import { cutBack } from "./turn.js";

/** @typedef {import("./protocol.js").ChatMessage} ChatMessage */
/** @typedef {import("./protocol.js").DoneMessage} DoneMessage */
/** @typedef {import("./protocol.js").GenerateOptions} GenerateOptions */
/** @typedef {import("./protocol.js").ToolCall} ToolCall */
/** @typedef {import("./protocol.js").Usage} Usage */
/** @typedef {import("./steady-client.js").SteadyEvent} SteadyEvent */
/** @typedef {import("./turn.js").Call} Call */

/**
 * toolAsked: a person has to answer this call · toolResult: what the model will be told · roundEnded: it goes on
 * @typedef {SteadyEvent | {kind: "toolAsked", index: number} | {kind: "toolResult", index: number, content: string}
 *   | {kind: "roundEnded"}} TurnLoopEvent
 */

/**
 * @typedef {object} ToolClient
 * @property {(options: GenerateOptions) => AsyncIterable<SteadyEvent> & {cancel: () => void}} generate
 * @property {(request: import("./protocol.js").ToolRequest) => Promise<string | null>} runTool
 */

export const MAX_TOOL_ROUNDS = 8;
export const OUT_OF_ROUNDS =
  '{"error": "No more tools can be called in this turn. Answer with what is known."}';

/** @implements {AsyncIterable<TurnLoopEvent>} */
export class ToolLoop {
  /** @type {ToolClient} */ #client;
  /** @type {GenerateOptions} */ #request;
  #stopped = false;
  /** @type {() => void} */ #cancel = () => {};
  /** @type {(content: string | null) => void} */ #settle = () => {};
  /** @type {(none: null) => void} */ #tellStop = () => {};
  /** @type {Promise<null>} */ #stopping;

  /**
   * @param {ToolClient} client
   * @param {GenerateOptions} request  of the first round
   */
  constructor(client, request) {
    this.#client = client;
    this.#request = request;
    this.#stopping = new Promise((resolve) => {
      this.#tellStop = resolve;
    });
  }

  /** Ends the turn at the token, or the call, that it is at: in `done` with "abort". */
  cancel() {
    this.#stopped = true;
    this.#cancel();
    this.#settle(null);
    this.#tellStop(null);
  }

  /** @param {string} content  what a person answers the call that asks them */
  answerCall(content) {
    this.#settle(content);
  }

  /** @returns {AsyncGenerator<TurnLoopEvent, void, void>} */
  async *[Symbol.asyncIterator]() {
    let { messages } = this.#request;
    /** @type {Usage | null} */
    let usage = null;
    for (let number = 1; ; number++) {
      const round = { answer: "", reasoning: "", calls: /** @type {Call[]} */ ([]) };
      const done = yield* this.#ask(messages, round);
      if (done === null) return;
      usage = usage === null ? done.usage : addUsages(usage, done.usage);
      const isInVain = number > MAX_TOOL_ROUNDS + 1;
      if (round.calls.length === 0 || done.finishReason === "abort" || isInVain) {
        yield {
          ...done,
          finishReason: round.calls.length > 0 && isInVain ? "length" : done.finishReason,
          usage,
        };
        return;
      }
      if (!(yield* this.#answerCalls(round.calls, number > MAX_TOOL_ROUNDS))) {
        yield { ...done, finishReason: "abort", usage };
        return;
      }
      yield { kind: "roundEnded" };
      messages = [...messages, ...messagesOfRound(round)];
    }
  }

  /**
   * One reply of the model, recorded in `round`.
   * @param {ChatMessage[]} messages
   * @param {{answer: string, reasoning: string, calls: Call[]}} round
   * @returns {AsyncGenerator<TurnLoopEvent, DoneMessage | null, void>}  null: stopped where nothing could tell its end
   */
  async *#ask(messages, round) {
    const generation = this.#client.generate({ ...this.#request, messages });
    this.#cancel = () => generation.cancel();
    if (this.#stopped) generation.cancel();
    for await (const event of generation) {
      if (event.kind === "done") return event;
      if (event.kind === "text") round.answer += event.text;
      if (event.kind === "reasoning") round.reasoning += event.text;
      if (event.kind === "toolCall")
        round.calls.push({ call: callOf(event), result: null, asksPerson: false });
      if (event.kind === "cutBack") Object.assign(round, cutBack(round, event));
      yield event;
      if (event.kind === "stopped") return null;
    }
    throw new TypeError("a generation ended without done");
  }

  /**
   * @param {Call[]} calls  get their results
   * @param {boolean} isOver  whether the turn has had its rounds
   * @returns {AsyncGenerator<TurnLoopEvent, boolean, void>}  false: somebody stopped it
   */
  async *#answerCalls(calls, isOver) {
    for (const [index, call] of calls.entries()) {
      if (this.#stopped) return false;
      // Stopping does not wait for a tool whose worker may be being loaded again.
      let content = isOver ? OUT_OF_ROUNDS : await Promise.race([this.#run(call.call), this.#stopping]);
      if (this.#stopped) return false;
      if (content === null) {
        const answered = this.#askPerson();
        yield { kind: "toolAsked", index };
        content = await answered;
      }
      if (content === null) return false;
      call.result = content;
      yield { kind: "toolResult", index, content };
    }
    return !this.#stopped;
  }

  /** @param {ToolCall} call */
  #run(call) {
    const { tools = [] } = this.#request;
    return this.#client.runTool({ call, tools });
  }

  /** @returns {Promise<string | null>} */
  #askPerson() {
    return new Promise((resolve) => {
      this.#settle = resolve;
      if (this.#stopped) resolve(null);
    });
  }
}

/**
 * What a message says, without what belongs to the message.
 * @param {ToolCall} call
 * @returns {ToolCall}
 */
export function callOf(call) {
  if (call.problem !== undefined) return { text: call.text, problem: call.problem };
  return { name: call.name, arguments: call.arguments };
}

/**
 * Of two replies in one turn: tokens and times of both; of the prompt, what the second says.
 * @param {Usage} first
 * @param {Usage} then
 * @returns {Usage}
 */
function addUsages(first, then) {
  return {
    ...then,
    reasoningTokens: first.reasoningTokens + then.reasoningTokens,
    answerTokens: first.answerTokens + then.answerTokens,
    prefillMs: first.prefillMs + then.prefillMs,
    decodeMs: first.decodeMs + then.decodeMs,
    steps: first.steps + then.steps,
    replayedTokens: (first.replayedTokens ?? 0) + (then.replayedTokens ?? 0),
    reasoningCut: first.reasoningCut || then.reasoningCut,
  };
}
