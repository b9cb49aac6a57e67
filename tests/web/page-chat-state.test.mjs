// @ts-check
/** The chat's state moves by events as a person would expect; nothing they wrote is lost. */

import assert from "node:assert/strict";
import test from "node:test";
import { readChatFile, writeChatFile } from "../../web/chat-file.js";
import { messagesFor, nextPrompt, samplingFor, willThink } from "../../web/chat-request.js";
import { emptyChat, reduceChat } from "../../web/chat-state.js";
import { restoreChat, storeChat } from "../../web/chat-storage.js";
import { isBusy, nextTurn, openTurn } from "../../web/open-turn.js";

/** @typedef {import("../../web/chat-state.js").ChatEvent} ChatEvent */
/** @typedef {import("../../web/chat-state.js").ChatState} ChatState */

const MODE = { temperature: 0.6, top_k: 20, top_p: 0.95, min_p: 0, repetition_penalty: 1 };
/** @type {import("../../web/protocol.js").Ready} */
const READY = {
  model: {
    name: "pico",
    contextSize: 4096,
    thinking: true,
    generation: { thinking: MODE, non_thinking: MODE },
  },
  backend: {
    name: "wasm",
    graph: "wasm",
    reason: "WebGPU is not available here.",
    dropped: [],
    check: { against: "certificate", tokens: 5, nearTies: 0 },
    decodeMs: 2,
  },
  machine: { adapter: null, threads: 2, processors: 2, memoryGiB: 8 },
  keyValues: { budgetBytes: 2 ** 30, bytesPerToken: 4096, maxPositions: 4096 },
  tools: [],
  store: { place: "device", reason: null },
};
/** @type {import("../../web/protocol.js").Usage} */
const USAGE = {
  promptTokens: 20,
  cachedTokens: 0,
  reasoningTokens: 5,
  answerTokens: 3,
  prefillMs: 10,
  decodeMs: 80,
  contextUsed: 28,
  contextSize: 4096,
  keyValueBytes: 2_097_152,
  seed: 1,
  reasoningCut: false,
  steps: 8,
};
const ERROR = { name: "BackendError", message: "It broke." };

/**
 * @param {ChatEvent[]} events
 * @param {ChatState} [state]
 */
const after = (events, state = emptyChat()) => events.reduce(reduceChat, state);

/**
 * A turn from question to answer.
 * @param {number} id
 * @param {string} text
 * @param {string} answer
 * @returns {ChatEvent[]}
 */
const answered = (id, text, answer) => [
  { kind: "question", text },
  { kind: "turn-started", id },
  { kind: "reasoning", id, text: "h", at: 1000 },
  { kind: "reasoning", id, text: "m", at: 2000 },
  { kind: "text", id, text: answer, at: 3500 },
  { kind: "done", id, finishReason: "stop", usage: USAGE, at: 4000 },
];

const ready = after([{ kind: "ready", ready: READY }]);

test("a question asked while the model loads waits and starts when it is ready", () => {
  const waiting = after([{ kind: "question", text: "early" }]);
  assert.equal(waiting.turns[0].status, "queued");
  assert.equal(nextTurn(waiting), null);
  assert.equal(nextTurn(after([{ kind: "ready", ready: READY }], waiting))?.question, "early");
});

test("a taken question empties the draft", () => {
  const state = after(
    [
      { kind: "draft", text: " two\nlines " },
      { kind: "question", text: " two\nlines " },
    ],
    ready,
  );
  assert.equal(state.draft, "");
  assert.equal(state.turns[0].question, "two\nlines");
});

test("an empty question is not taken", () => {
  assert.equal(after([{ kind: "question", text: " \n " }], ready), ready);
});

test("a second question is not taken while the first is answered", () => {
  const first = after([{ kind: "question", text: "one" }], ready);
  assert.equal(after([{ kind: "question", text: "two" }], first), first);
});

test("a question is not taken after loading failed", () => {
  const failed = after([{ kind: "load-failed", error: ERROR, at: 0 }]);
  assert.equal(after([{ kind: "question", text: "one" }], failed), failed);
});

test("failed loading puts waiting questions back before the draft", () => {
  const state = after([
    { kind: "question", text: "early" },
    { kind: "draft", text: "and this" },
    { kind: "load-failed", error: ERROR, at: 0 },
  ]);
  assert.equal(state.draft, "early\nand this");
  assert.deepEqual(state.turns, []);
  assert.deepEqual(state.notice, { tone: "error", error: ERROR, remedy: "load" });
});

test("reasoning and answer grow apart", () => {
  const [turn] = after(
    [...answered(1, "q", "The "), { kind: "text", id: 1, text: "end", at: 5000 }],
    ready,
  ).turns;
  assert.equal(turn.reasoning, "hm");
  assert.equal(turn.answer, "The end");
});

test("thinking time ends with the first piece of the answer", () => {
  const [turn] = after(answered(1, "q", "a"), ready).turns;
  assert.equal(turn.thinkingMs, 2500);
});

test("thinking time ends with an abort in the middle of thinking", () => {
  const events = answered(1, "q", "a").filter((event) => event.kind !== "text");
  assert.equal(after(events, ready).turns[0].thinkingMs, 3000);
});

test("a finished turn keeps its usage and is no longer open", () => {
  const state = after(answered(1, "q", "a"), ready);
  assert.equal(state.turns[0].usage, USAGE);
  assert.equal(openTurn(state), null);
  assert.equal(isBusy(state), false);
});

test("a failure before the first token puts the question back and offers to send it again", () => {
  const state = after(
    [
      { kind: "question", text: "q" },
      { kind: "turn-started", id: 1 },
      { kind: "turn-failed", id: 1, error: ERROR, at: 0 },
    ],
    ready,
  );
  assert.deepEqual(state.turns, []);
  assert.equal(state.draft, "q");
  assert.deepEqual(state.notice, { tone: "error", error: ERROR, remedy: "send" });
});

test("a failure in the middle keeps what was written and shows the error there", () => {
  const events = answered(1, "q", "half");
  const state = after([...events.slice(0, 5), { kind: "turn-failed", id: 1, error: ERROR, at: 4000 }], ready);
  assert.equal(state.turns[0].answer, "half");
  assert.equal(state.turns[0].status, "failed");
  assert.equal(state.turns[0].error, ERROR);
  assert.equal(state.notice, null);
});

test("a new load keeps what there is of an answer as stopped", () => {
  const begun = answered(1, "one", "a").slice(0, -1);
  const [turn] = after([{ kind: "ready", ready: READY }, ...begun, { kind: "load-started", at: 9000 }]).turns;
  assert.deepEqual([turn.status, turn.finishReason, turn.answer], ["finished", "abort", "a"]);
});

test("a new load in the middle of a thought ends its time", () => {
  const begun = answered(1, "one", "a").slice(0, 4);
  const [turn] = after([{ kind: "ready", ready: READY }, ...begun, { kind: "load-started", at: 9000 }]).turns;
  assert.deepEqual([turn.status, turn.thinkingMs], ["finished", 8000]);
});

test("a question that no token has answered waits through a new load and starts after it", () => {
  const begun = answered(1, "one", "a").slice(0, 2);
  const loading = after([{ kind: "ready", ready: READY }, ...begun, { kind: "load-started", at: 0 }]);
  assert.equal(nextTurn(loading), null);
  assert.equal(nextTurn(reduceChat(loading, { kind: "ready", ready: READY }))?.question, "one");
});

test("retry asks the last question again with the switch of now", () => {
  const state = after(
    [...answered(1, "one", "a"), { kind: "thinking", enabled: false }, { kind: "retry" }],
    ready,
  );
  assert.equal(state.turns.length, 1);
  assert.equal(state.turns[0].question, "one");
  assert.equal(state.turns[0].answer, "");
  assert.equal(state.turns[0].enableThinking, false);
  assert.notEqual(state.turns[0].id, 1);
});

test("events of a turn that is gone change nothing", () => {
  const cleared = after([...answered(1, "one", "a"), { kind: "new-chat", at: 0 }], ready);
  assert.equal(after([{ kind: "text", id: 1, text: "late", at: 0 }], cleared), cleared);
  assert.equal(after([{ kind: "turn-failed", id: 1, error: ERROR, at: 0 }], cleared), cleared);
});

test("a new chat keeps draft, switch and sampling", () => {
  const state = after(
    [
      ...answered(1, "one", "a"),
      { kind: "draft", text: "half" },
      { kind: "thinking", enabled: false },
      { kind: "sampling", sampling: { seed: 7 } },
      { kind: "new-chat", at: 0 },
    ],
    ready,
  );
  assert.deepEqual(state.turns, []);
  assert.equal(state.draft, "half");
  assert.equal(state.enableThinking, false);
  assert.deepEqual(state.sampling, { seed: 7 });
});

test("a new chat does not hide that loading failed", () => {
  const state = after([
    { kind: "load-failed", error: ERROR, at: 0 },
    { kind: "new-chat", at: 0 },
  ]);
  assert.equal(state.notice?.error, ERROR);
});

test("messages carry the earlier turns with their reasoning, then the question", () => {
  const state = after([...answered(1, "one", "first"), { kind: "question", text: "two" }], ready);
  assert.deepEqual(messagesFor(state, state.turns[1]), [
    { role: "user", content: "one" },
    { role: "assistant", content: "first", reasoning_content: "hm" },
    { role: "user", content: "two" },
  ]);
});

test("an answer that mentions the closing tag keeps all of it", () => {
  const thoughtless = answered(1, "one", "a </think> b").filter((event) => event.kind !== "reasoning");
  const state = after([...thoughtless, { kind: "question", text: "two" }], ready);
  assert.deepEqual(messagesFor(state, state.turns[1])[1], {
    role: "assistant",
    content: "a </think> b",
    reasoning_content: "",
  });
});

test("a turn stopped before it answered is not part of the messages", () => {
  const stopped = answered(1, "one", "x").filter((event) => event.kind !== "text");
  const state = after([...stopped, { kind: "question", text: "two" }], ready);
  assert.deepEqual(messagesFor(state, state.turns[1]), [{ role: "user", content: "two" }]);
});

test("a chat survives being stored", () => {
  const state = after([...answered(1, "one", "a"), { kind: "draft", text: "half" }], ready);
  const restored = restoreChat(storeChat(state));
  assert.deepEqual(restored.turns, state.turns);
  assert.equal(restored.draft, "half");
  assert.equal(restored.phase, "loading");
  assert.equal(after([{ kind: "question", text: "two" }], restored).turns[1].id, 2);
});

test("an answer cut by a reload is restored as stopped", () => {
  const restored = restoreChat(storeChat(after(answered(1, "one", "half").slice(0, 5), ready)));
  assert.equal(restored.turns[0].answer, "half");
  assert.equal(restored.turns[0].finishReason, "abort");
  assert.equal(isBusy(restored), false);
});

test("a question without a token at a reload goes back to the composer", () => {
  const restored = restoreChat(storeChat(after([{ kind: "question", text: "one" }], ready)));
  assert.deepEqual(restored.turns, []);
  assert.equal(restored.draft, "one");
});

for (const stored of [
  null,
  "",
  "{",
  "null",
  '{"version":2,"turns":[]}',
  '{"version":1,"turns":[{"id":1}]}',
]) {
  test(`unreadable storage ${JSON.stringify(stored)} gives an empty chat`, () => {
    assert.deepEqual(restoreChat(stored), emptyChat());
  });
}

test("an unfit stored sampling value is dropped, the others stay", () => {
  const stored = JSON.stringify({ version: 1, turns: [], sampling: { temperature: 99, seed: 3, other: 1 } });
  assert.deepEqual(restoreChat(stored).sampling, { seed: 3 });
});

test("no event changes the state it is given", () => {
  /** @param {any} value */
  const freeze = (value) => {
    if (typeof value === "object" && value !== null && !Object.isFrozen(value)) {
      Object.freeze(value);
      Object.values(value).forEach(freeze);
    }
    return value;
  };
  /** @type {ChatEvent[]} */
  const events = [
    { kind: "progress", progress: { stage: "weights", loadedBytes: 1, totalBytes: 2 } },
    ...answered(1, "one", "a"),
    { kind: "retry" },
    { kind: "turn-failed", id: 2, error: ERROR, at: 0 },
    { kind: "notice-dismissed" },
    { kind: "load-started", at: 0 },
    { kind: "queue-stopped" },
  ];
  let state = freeze(ready);
  for (const event of events) state = freeze(reduceChat(state, freeze(event)));
  assert.equal(state.phase, "loading");
});

test("turns that had no room in the context stay for the person and are not sent again", () => {
  const three = after(
    [...answered(1, "a", "A"), ...answered(2, "b", "B"), { kind: "question", text: "c" }],
    ready,
  );
  const dropped = after([{ kind: "turnsDropped", id: 3, messages: 2 }], three);
  assert.equal(dropped.firstShownId, 2);
  assert.equal(dropped.turns.length, 3);
  assert.deepEqual(
    messagesFor(dropped, dropped.turns[2]).map(({ content }) => content),
    ["b", "B", "c"],
  );
  const again = after([{ kind: "turnsDropped", id: 3, messages: 2 }], dropped);
  assert.equal(again.firstShownId, 3);
  const kept = after([{ kind: "text", id: 3, text: "C", at: 1 }], again);
  assert.equal(restoreChat(storeChat(kept)).firstShownId, 3);
});

test("turns that a question had no room for are shown again when it comes to nothing", () => {
  const asked = after(
    [...answered(1, "a", "A"), ...answered(2, "b", "B"), { kind: "question", text: "c" }],
    ready,
  );
  const cut = after(
    [
      { kind: "turnsDropped", id: 3, messages: 2 },
      { kind: "turnsDropped", id: 3, messages: 2 },
    ],
    asked,
  );
  const failed = after([{ kind: "turn-failed", id: 3, error: { name: "E", message: "e" }, at: 1 }], cut);
  for (const state of [failed, restoreChat(storeChat(cut))]) {
    assert.equal(state.draft, "c");
    assert.deepEqual(
      messagesFor(state, { id: 4, question: "d" }).map(({ content }) => content),
      ["a", "A", "b", "B", "d"],
    );
  }
});

test("a long prompt tells how far it is read", () => {
  const reading = after(
    [
      { kind: "question", text: "long" },
      { kind: "turn-started", id: 1 },
      { kind: "prefill", id: 1, readTokens: 128, promptTokens: 500 },
    ],
    ready,
  );
  assert.deepEqual(reading.turns[0].prefill, { readTokens: 128, promptTokens: 500 });
  assert.equal(reading.turns[0].status, "reading");
});

test("the next prompt is the history and the draft, with the switch as it stands", () => {
  const state = after(
    [...answered(1, "a", "A"), { kind: "draft", text: " b " }, { kind: "thinking", enabled: false }],
    ready,
  );
  assert.deepEqual(nextPrompt(state), {
    messages: [
      { role: "user", content: "a" },
      { role: "assistant", content: "A", reasoning_content: "hm" },
      { role: "user", content: "b" },
    ],
    enableThinking: false,
    tools: [],
  });
});

test("a model that does not think is asked neither to think nor within a budget; the preference stays", () => {
  const plain = { ...READY, model: { ...READY.model, thinking: false } };
  const chat = after([
    { kind: "sampling", sampling: { temperature: 0, thinkingBudget: 5 } },
    { kind: "ready", ready: plain },
  ]);
  assert.equal(willThink(chat, true), false);
  assert.deepEqual(samplingFor(chat), { temperature: 0 });
  assert.equal(nextPrompt(chat).enableThinking, false);
  assert.equal(chat.enableThinking, true);
});

test("a model that thinks is asked as the person prefers", () => {
  const chat = after([
    { kind: "sampling", sampling: { thinkingBudget: 5 } },
    { kind: "ready", ready: READY },
  ]);
  assert.deepEqual([willThink(chat, true), willThink(chat, false)], [true, false]);
  assert.deepEqual(samplingFor(chat), { thinkingBudget: 5 });
});

test("a system prompt comes before all else and outlives a reload", () => {
  const state = after([{ kind: "system", text: "Be brief." }, ...answered(1, "a", "A")], ready);
  assert.deepEqual(
    messagesFor(state, { id: 2, question: "b" }).map(({ role }) => role),
    ["system", "user", "assistant", "user"],
  );
  assert.equal(restoreChat(storeChat(state)).system, "Be brief.");
});

test("a chat that was saved goes on where it was", () => {
  const state = after(
    [
      { kind: "system", text: "Be brief." },
      ...answered(1, "a", "A"),
      ...answered(2, "b", "B"),
      { kind: "turnsDropped", id: 2, messages: 2 },
    ],
    ready,
  );
  const chat = readChatFile(writeChatFile(state, "pico"), "pico");
  const again = after([...answered(1, "other", "O"), { kind: "opened", chat }], ready);
  assert.deepEqual(
    again.turns.map(({ question, answer, reasoning }) => [question, answer, reasoning]),
    [
      ["a", "A", "hm"],
      ["b", "B", "hm"],
    ],
  );
  const next = { id: again.nextId, question: "c" };
  assert.deepEqual(messagesFor(again, next), messagesFor(state, { id: 3, question: "c" }));
  assert.equal(messagesFor(again, next).length, 4);
});

test("a chat is not opened while an answer is being made", () => {
  const busy = after([{ kind: "question", text: "a" }], ready);
  const chat = { system: "", turns: [], droppedTurns: 0, enableThinking: true };
  assert.equal(after([{ kind: "opened", chat }], busy), busy);
});

/** @type {Array<[string, object | string, RegExp]>} */
const UNUSABLE = [
  ["no JSON", "{", /it is not JSON/],
  ["null", "null", /no saved chat/],
  ["another format", { format: "zip" }, /no saved chat/],
  ["another version", { version: 2 }, /version is 2/],
  ["another model", { model: "qwen" }, /"qwen" answered in it \(expected pico/],
  ["messages that are none", { messages: [{ role: "user" }] }, /messages are damaged/],
  ["a question without its answer", { messages: [{ role: "user", content: "?" }] }, /out of order/],
  ["a result that nothing asked for", { messages: [{ role: "tool", content: "4" }] }, /out of order/],
  ["more dropped than there are", { dropped_messages: 3 }, /dropped 3 messages/],
];

for (const [what, change, problem] of UNUSABLE) {
  test(`a file with ${what} is refused by name`, () => {
    const whole = JSON.parse(writeChatFile(after(answered(1, "a", "A"), ready), "pico"));
    const text = typeof change === "string" ? change : JSON.stringify({ ...whole, ...change });
    assert.throws(() => readChatFile(text, "pico"), { name: "SavedChatError", message: problem });
  });
}
