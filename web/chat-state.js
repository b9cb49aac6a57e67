// @ts-check
/**
 * What a chat is, as plain values: turns, how loading goes, settings; and one reducer that moves it by events.
 *
 * Pure: no DOM, no clock (events carry `at`, ms since the epoch), no worker. Events are nouns about what happened;
 * whoever owns the client reads `nextTurn` to see what is to be done.
 *
 * @module
 */

/** @typedef {import("./protocol.js").ChatMessage} ChatMessage */
/** @typedef {import("./protocol.js").ErrorDescription} ErrorDescription */
/** @typedef {import("./protocol.js").FinishReason} FinishReason */
/** @typedef {import("./protocol.js").LoadStage} LoadStage */
/** @typedef {import("./protocol.js").Progress} Progress */
/** @typedef {import("./protocol.js").Ready} Ready */
/** @typedef {import("./protocol.js").Sampling} Sampling */
/** @typedef {import("./protocol.js").Usage} Usage */

/**
 * queued: waits for the model · reading: prefill, no token yet · thinking · answering · finished · failed: see `error`
 * @typedef {"queued" | "reading" | "thinking" | "answering" | "finished" | "failed"} TurnStatus
 */

/**
 * One question and what came of it.
 * @typedef {object} Turn
 * @property {number} id  unique in this chat, ascending
 * @property {string} question
 * @property {boolean} enableThinking
 * @property {TurnStatus} status
 * @property {{readTokens: number, promptTokens: number} | null} prefill  how far a long prompt is read
 * @property {string} reasoning
 * @property {string} answer  Markdown, as the model wrote it
 * @property {number | null} thinkingSince  ms since the epoch; null before the first token of reasoning
 * @property {number} thinkingMs  how long it thought; counts only when thinking is over
 * @property {FinishReason | null} finishReason
 * @property {Usage | null} usage
 * @property {ErrorDescription | null} error
 */

/**
 * @typedef {object} Notice
 * @property {ErrorDescription} error
 * @property {"load" | "send" | null} remedy  what "Try again" would do; null: nothing to try
 */

/**
 * A chat from a file, see chat-file.js.
 * @typedef {object} SavedChat
 * @property {string} system
 * @property {ChatMessage[]} messages  questions and answers in turn
 * @property {number} droppedMessages  of the oldest, which the model is no longer shown
 * @property {boolean} enableThinking
 */

/**
 * @typedef {object} ChatState
 * @property {"loading" | "ready" | "failed"} phase
 * @property {Partial<Record<LoadStage, Progress>>} progress
 * @property {Ready | null} ready
 * @property {Turn[]} turns
 * @property {number} nextId
 * @property {number} firstShownId  the model no longer sees turns before this one: the context had no room
 * @property {import("./protocol.js").Counted | null} context  what a prompt with the draft takes; null: not known
 * @property {string} system  what the model is told before all else; "" for nothing
 * @property {string} draft  what stands in the composer
 * @property {boolean} enableThinking
 * @property {Sampling} sampling  only what differs from the bundle's defaults
 * @property {Notice | null} notice
 */

/**
 * @typedef {{kind: "load-started", at: number}
 *   | {kind: "progress", progress: Progress}
 *   | {kind: "ready", ready: Ready}
 *   | {kind: "load-failed", error: ErrorDescription}
 *   | {kind: "draft", text: string}
 *   | {kind: "question", text: string}
 *   | {kind: "retry"}
 *   | {kind: "turn-started", id: number}
 *   | {kind: "turnsDropped", id: number, messages: number}
 *   | {kind: "prefill", id: number, readTokens: number, promptTokens: number}
 *   | {kind: "reasoning", id: number, text: string, at: number}
 *   | {kind: "text", id: number, text: string, at: number}
 *   | {kind: "done", id: number, finishReason: FinishReason, usage: Usage, at: number}
 *   | {kind: "turn-failed", id: number, error: ErrorDescription, at: number}
 *   | {kind: "counted", counted: import("./protocol.js").Counted | null}
 *   | {kind: "queue-stopped"}
 *   | {kind: "new-chat"}
 *   | {kind: "thinking", enabled: boolean}
 *   | {kind: "sampling", sampling: Sampling}
 *   | {kind: "system", text: string}
 *   | {kind: "opened", chat: SavedChat}
 *   | {kind: "notice", notice: Notice}
 *   | {kind: "notice-dismissed"}
 * } ChatEvent
 */

/** @returns {ChatState} */
export function emptyChat() {
  return {
    phase: "loading",
    progress: {},
    ready: null,
    turns: [],
    nextId: 1,
    firstShownId: 1,
    context: null,
    system: "",
    draft: "",
    enableThinking: true,
    sampling: {},
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
      return returnUnanswered({
        ...state,
        phase: "failed",
        notice: { error: event.error, remedy: "load" },
      });
    case "draft":
      return { ...state, draft: event.text };
    case "question":
      return askQuestion(state, event.text);
    case "retry":
      return retryLast(state);
    case "turn-started":
      return changeTurn(state, event.id, { status: "reading" });
    case "turnsDropped":
      return dropTurns(state, event.id, event.messages);
    case "prefill": {
      const { readTokens, promptTokens } = event;
      return changeTurn(state, event.id, { prefill: { readTokens, promptTokens } });
    }
    case "counted":
      return { ...state, context: event.counted };
    case "reasoning":
      return appendReasoning(state, event.id, event.text, event.at);
    case "text":
      return appendAnswer(state, event.id, event.text, event.at);
    case "done":
      return finishTurn(state, event);
    case "turn-failed":
      return failTurn(state, event);
    case "queue-stopped":
      return returnUnanswered(state);
    case "new-chat":
      return { ...state, turns: [], notice: state.phase === "failed" ? state.notice : null };
    case "thinking":
      return { ...state, enableThinking: event.enabled };
    case "sampling":
      return { ...state, sampling: event.sampling };
    case "system":
      return { ...state, system: event.text };
    case "opened":
      return openSaved(state, event.chat);
    case "notice":
      return { ...state, notice: event.notice };
    case "notice-dismissed":
      return { ...state, notice: null };
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
  const turn = newTurn(state.nextId, question, state.enableThinking);
  return { ...state, turns: [...state.turns, turn], nextId: state.nextId + 1, draft: "", notice: null };
}

/**
 * @param {number} id
 * @param {string} question
 * @param {boolean} enableThinking
 * @returns {Turn}
 */
function newTurn(id, question, enableThinking) {
  return {
    id,
    question,
    enableThinking,
    status: "queued",
    prefill: null,
    reasoning: "",
    answer: "",
    thinkingSince: null,
    thinkingMs: 0,
    finishReason: null,
    usage: null,
    error: null,
  };
}

/**
 * The last question again, with the settings of now; its old answer goes.
 * @param {ChatState} state
 * @returns {ChatState}
 */
function retryLast(state) {
  const last = state.turns.at(-1);
  if (!last || isBusy(state) || state.phase === "failed") return state;
  const turn = newTurn(state.nextId, last.question, state.enableThinking);
  return { ...state, turns: [...state.turns.slice(0, -1), turn], nextId: state.nextId + 1, notice: null };
}

/**
 * @param {ChatState} state
 * @param {number} id
 * @param {Partial<Turn> | ((turn: Turn) => Partial<Turn>)} change
 * @returns {ChatState}
 */
function changeTurn(state, id, change) {
  const index = state.turns.findIndex((turn) => turn.id === id);
  // An event of a turn that is gone (new chat while it ran) changes nothing.
  if (index < 0) return state;
  const turn = state.turns[index];
  const changed = { ...turn, ...(typeof change === "function" ? change(turn) : change) };
  return { ...state, turns: state.turns.with(index, changed) };
}

/**
 * The model sees the oldest turns no more; they stay for the person.
 * @param {ChatState} state
 * @param {number} id  of the turn that had no room
 * @param {number} messages  of those that were sent: a question and an answer each turn
 * @returns {ChatState}
 */
function dropTurns(state, id, messages) {
  const sent = state.turns.filter(
    (turn) => turn.id === id || (turn.answer !== "" && turn.id >= state.firstShownId),
  );
  return { ...state, firstShownId: sent[messages / 2]?.id ?? id };
}

/**
 * @param {ChatState} state
 * @param {number} id
 * @param {string} text
 * @param {number} at
 */
function appendReasoning(state, id, text, at) {
  return changeTurn(state, id, (turn) => ({
    status: "thinking",
    reasoning: turn.reasoning + text,
    thinkingSince: turn.thinkingSince ?? at,
  }));
}

/**
 * @param {ChatState} state
 * @param {number} id
 * @param {string} text
 * @param {number} at
 */
function appendAnswer(state, id, text, at) {
  return changeTurn(state, id, (turn) => ({
    ...endThinking(turn, at),
    status: "answering",
    answer: turn.answer + text,
  }));
}

/**
 * @param {Turn} turn
 * @param {number} at
 * @returns {Partial<Turn>}
 */
function endThinking(turn, at) {
  if (turn.status !== "thinking" || turn.thinkingSince === null) return {};
  return { thinkingMs: at - turn.thinkingSince };
}

/**
 * @param {ChatState} state
 * @param {Extract<ChatEvent, {kind: "done"}>} event
 */
function finishTurn(state, event) {
  return changeTurn(state, event.id, (turn) => ({
    ...endThinking(turn, event.at),
    status: "finished",
    finishReason: event.finishReason,
    usage: event.usage,
  }));
}

/**
 * A turn that failed before its first token was never answered: its question goes back to the composer. One that failed
 * later keeps what there is of it and shows the error in its place.
 * @param {ChatState} state
 * @param {Extract<ChatEvent, {kind: "turn-failed"}>} event
 * @returns {ChatState}
 */
function failTurn(state, event) {
  const turn = state.turns.find((candidate) => candidate.id === event.id);
  if (!turn) return state;
  if (turn.reasoning === "" && turn.answer === "") {
    return returnUnanswered({ ...state, notice: { error: event.error, remedy: "send" } });
  }
  return changeTurn(state, event.id, {
    ...endThinking(turn, event.at),
    status: "failed",
    error: event.error,
  });
}

/**
 * What a new load does to an answer that was being made: what there is of it is kept as stopped; a question without a
 * first token waits for the model again.
 * @param {ChatState} state
 * @param {number} at
 * @returns {ChatState}
 */
function interruptTurns(state, at) {
  const turn = openTurn(state);
  if (!turn || turn.status === "queued") return state;
  if (turn.status === "reading") return changeTurn(state, turn.id, { status: "queued" });
  return changeTurn(state, turn.id, { ...endThinking(turn, at), status: "finished", finishReason: "abort" });
}

/**
 * Takes questions without a first token out of the chat and puts their text back before the draft.
 * @param {ChatState} state
 * @returns {ChatState}
 */
export function returnUnanswered(state) {
  const unanswered = state.turns.filter((turn) => turn.status === "queued" || turn.status === "reading");
  if (unanswered.length === 0) return state;
  const parts = [...unanswered.map((turn) => turn.question), state.draft];
  return {
    ...state,
    turns: state.turns.filter((turn) => !unanswered.includes(turn)),
    draft: parts.filter((part) => part !== "").join("\n"),
  };
}

/**
 * The turn that is being answered or waits for it.
 * @param {ChatState} state
 * @returns {Turn | null}
 */
export function openTurn(state) {
  const last = state.turns.at(-1);
  return last && last.status !== "finished" && last.status !== "failed" ? last : null;
}

/** @param {ChatState} state */
export function isBusy(state) {
  return openTurn(state) !== null;
}

/**
 * The turn to start now, if there is one.
 * @param {ChatState} state
 * @returns {Turn | null}
 */
export function nextTurn(state) {
  const turn = openTurn(state);
  return state.phase === "ready" && turn?.status === "queued" ? turn : null;
}

/**
 * A chat from a file in the place of this one; the draft stays.
 * @param {ChatState} state
 * @param {SavedChat} saved
 * @returns {ChatState}
 */
function openSaved(state, { system, messages, droppedMessages, enableThinking }) {
  if (isBusy(state)) return state;
  const { nextId } = state;
  const turns = Array.from({ length: messages.length / 2 }, (_, index) => ({
    ...newTurn(nextId + index, messages[2 * index].content, enableThinking),
    status: /** @type {const} */ ("finished"),
    answer: messages[2 * index + 1].content,
    reasoning: messages[2 * index + 1].reasoning_content ?? "",
  }));
  const firstShownId = nextId + droppedMessages / 2;
  return {
    ...state,
    turns,
    nextId: nextId + turns.length,
    firstShownId,
    system,
    enableThinking,
    notice: null,
  };
}
