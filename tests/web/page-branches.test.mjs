// @ts-check
/** Chats, branches and calls in the page's state: nothing that was said is lost, and all of it outlives a reload. */

import assert from "node:assert/strict";
import test from "node:test";
import { readChatFile, writeChatFile } from "../../web/chat-file.js";
import { messagesFor } from "../../web/chat-request.js";
import { emptyChat, reduceChat } from "../../web/chat-state.js";
import { restoreChat, storeChat } from "../../web/chat-storage.js";

/** @typedef {import("../../web/chat-state.js").ChatEvent} ChatEvent */
/** @typedef {import("../../web/chat-state.js").ChatState} ChatState */

const USAGE = /** @type {any} */ ({ promptTokens: 1 });
const CALL = { name: "calculator", arguments: { expression: "27 * 38" } };

/**
 * @param {ChatEvent[]} events
 * @param {ChatState} [state]
 */
const after = (events, state = { ...emptyChat(), phase: "ready" }) => events.reduce(reduceChat, state);

/**
 * @param {number} id
 * @param {string} text
 * @returns {ChatEvent[]}
 */
const answered = (id, text) => [
  { kind: "question", text },
  { kind: "turn-started", id },
  { kind: "text", id, text: text.toUpperCase(), at: 1 },
  { kind: "done", id, finishReason: "stop", usage: USAGE, at: 2 },
];

/**
 * @param {number} id
 * @returns {ChatEvent[]}
 */
const called = (id) => [
  { kind: "question", text: "?" },
  { kind: "turn-started", id },
  { kind: "reasoning", id, text: "hm", at: 1000 },
  { kind: "toolCall", id, call: CALL, at: 3000 },
  { kind: "toolResult", id, index: 0, content: "1026" },
  { kind: "roundEnded", id },
  { kind: "text", id, text: "1026", at: 4000 },
  { kind: "done", id, finishReason: "stop", usage: USAGE, at: 5000 },
];

/** @param {Pick<ChatState, "turns">} chat */
const questions = ({ turns }) => turns.map(({ question }) => question);

const two = after([...answered(1, "a"), ...answered(2, "b")]);

test("a branch has all up to the answer, and the chat is kept whole", () => {
  const branch = after([{ kind: "branch", id: 1, upTo: "answer" }, ...answered(3, "c")], two);
  assert.deepEqual(questions(branch), ["a", "c"]);
  assert.equal(branch.isBranch, true);
  assert.deepEqual(branch.others.map(questionsOf), [["a", "b"]]);
  const back = after([{ kind: "chat-chosen", id: branch.others[0].id }], branch);
  assert.deepEqual(questions(back), ["a", "b"]);
  assert.deepEqual(back.others.map(questionsOf), [["a", "c"]]);
});

/** @param {import("../../web/chat-shelf.js").ShelvedChat} chat */
function questionsOf(chat) {
  return chat.turns.map(({ question }) => question);
}

test("a question to be changed stands before what is in the composer", () => {
  const edited = after(
    [
      { kind: "draft", text: "half" },
      { kind: "branch", id: 2, upTo: "question" },
    ],
    two,
  );
  assert.deepEqual(questions(edited), ["a"]);
  assert.equal(edited.draft, "b\nhalf");
});

test("chats have names of their own, however they come and go", () => {
  let state = two;
  const seen = new Set();
  for (let round = 0; round < 4; round++) {
    state = after([{ kind: "branch", id: 1, upTo: "answer" }], state);
    assert.equal(seen.has(state.chatId), false);
    seen.add(state.chatId);
  }
  assert.equal(new Set([state.chatId, ...state.others.map(({ id }) => id)]).size, 5);
});

test("nothing branches, switches or opens while an answer is made", () => {
  const branch = after([{ kind: "branch", id: 1, upTo: "answer" }], two);
  const busy = after([{ kind: "question", text: "c" }], branch);
  assert.equal(after([{ kind: "branch", id: 1, upTo: "answer" }], busy), busy);
  assert.equal(after([{ kind: "chat-chosen", id: 1 }], busy), busy);
});

test("a new chat keeps the old one, and its answer as far as it is", () => {
  const half = after([...answered(1, "a"), ...answered(2, "b").slice(0, 3)]);
  const state = after([{ kind: "new-chat", at: 9 }], half);
  assert.deepEqual(state.turns, []);
  assert.deepEqual(questionsOf(state.others[0]), ["a", "b"]);
  assert.equal(state.others[0].turns[1].finishReason, "abort");
});

test("a new chat gives back the question that had no token yet, and keeps no empty chat", () => {
  const state = after([
    { kind: "question", text: "a" },
    { kind: "new-chat", at: 9 },
  ]);
  assert.equal(state.draft, "a");
  assert.deepEqual(state.others, []);
});

test("a chat that is deleted is gone, and only that one", () => {
  const state = after([{ kind: "branch", id: 1, upTo: "answer" }], two);
  const [{ id }] = state.others;
  const deleted = after([{ kind: "chat-deleted", id }], state);
  assert.deepEqual(deleted.others, []);
  assert.deepEqual(questions(deleted), ["a"]);
});

test("all chats outlive a reload, and no turn takes another's id", () => {
  const state = after(
    [{ kind: "branch", id: 1, upTo: "answer" }, ...answered(3, "c"), { kind: "new-chat", at: 0 }],
    two,
  );
  const restored = restoreChat(storeChat(state));
  assert.deepEqual(restored.others, state.others);
  assert.equal(restored.chatId, state.chatId);
  assert.equal(restored.nextId, 4);
});

test("a round of calls goes before the answer, to the person and to the model", () => {
  const state = after(called(1));
  const [turn] = state.turns;
  assert.deepEqual(turn.rounds, [
    {
      reasoning: "hm",
      thinkingMs: 2000,
      answer: "",
      calls: [{ call: CALL, result: "1026", asksPerson: false }],
    },
  ]);
  assert.deepEqual([turn.answer, turn.reasoning, turn.calls], ["1026", "", []]);
  assert.deepEqual(
    messagesFor(state, { id: 2, question: "b" }).map(({ role }) => role),
    ["user", "assistant", "tool", "assistant", "user"],
  );
});

test("a turn stopped while a person was asked waits for nobody", () => {
  const waiting = after([...called(1).slice(0, 4), { kind: "toolAsked", id: 1, index: 0 }]);
  assert.equal(waiting.turns[0].calls[0].asksPerson, true);
  const restored = restoreChat(storeChat(waiting));
  for (const { turns } of [after([{ kind: "load-started", at: 9000 }], waiting), restored]) {
    assert.deepEqual([turns[0].status, turns[0].finishReason], ["finished", "abort"]);
    assert.equal(turns[0].calls[0].asksPerson, false);
  }
});

test("dropped messages count calls and results with their turn", () => {
  const state = after([...called(1), ...answered(2, "b"), { kind: "question", text: "c" }]);
  assert.equal(after([{ kind: "turnsDropped", id: 3, messages: 4 }], state).firstShownId, 2);
  assert.equal(after([{ kind: "turnsDropped", id: 3, messages: 6 }], state).firstShownId, 3);
});

test("a chat with calls is saved as a file and comes back", () => {
  const state = after([...called(1), ...answered(2, "b"), { kind: "turnsDropped", id: 2, messages: 4 }]);
  const chat = readChatFile(writeChatFile(state, "pico"), "pico");
  const opened = after([{ kind: "opened", chat }]);
  assert.deepEqual(
    opened.turns[0].rounds.map(({ calls }) => calls),
    [[{ call: CALL, result: "1026", asksPerson: false }]],
  );
  const next = { id: opened.nextId, question: "c" };
  assert.deepEqual(messagesFor(opened, next), messagesFor(state, { id: 3, question: "c" }));
  assert.deepEqual(
    messagesFor({ ...opened, firstShownId: 0 }, next),
    messagesFor({ ...state, firstShownId: 0 }, next),
  );
});

test("a branch of what the context had no room for is shown to the model again", () => {
  const state = after([
    ...answered(1, "a"),
    ...answered(2, "b"),
    { kind: "question", text: "c" },
    { kind: "turnsDropped", id: 3, messages: 4 },
    { kind: "text", id: 3, text: "C", at: 1 },
    { kind: "done", id: 3, finishReason: "stop", usage: USAGE, at: 2 },
  ]);
  /** @param {number} id */
  const branched = (id) => {
    const branch = after([{ kind: "branch", id, upTo: "answer" }], state);
    const next = { id: branch.nextId, question: "d" };
    return messagesFor(branch, next).map(({ content }) => content);
  };
  assert.deepEqual(branched(1), ["a", "A", "d"]);
  assert.deepEqual(branched(2), ["a", "A", "b", "B", "d"]);
  assert.deepEqual(branched(3), ["c", "C", "d"]);
});

test("a turn that said something before it was stopped with its calls stays, in the page and in its file", () => {
  const [question, started, , ...rest] = called(1);
  const said = after([question, started, { kind: "text", id: 1, text: "Let me look.", at: 1 }, ...rest]);
  const stopped = { ...said, turns: said.turns.map((turn) => ({ ...turn, answer: "" })) };
  const roles = messagesFor(stopped, { id: 2, question: "b" }).map(({ role }) => role);
  assert.deepEqual(roles, ["user", "assistant", "tool", "user"]);
  const opened = readChatFile(writeChatFile(stopped, "pico"), "pico");
  const again = after([{ kind: "opened", chat: opened }]);
  assert.deepEqual(
    messagesFor(again, { id: again.nextId, question: "b" }),
    messagesFor(stopped, { id: 2, question: "b" }),
  );
});

test("a file with an empty system prompt, as Python may write it, opens", () => {
  const file = {
    format: "pagelm-chat",
    version: 1,
    model: "pico",
    enable_thinking: true,
    dropped_messages: 0,
    messages: [
      { role: "system", content: "" },
      { role: "user", content: "a" },
      { role: "assistant", content: "A" },
    ],
  };
  assert.equal(readChatFile(JSON.stringify(file), "pico").turns.length, 1);
  for (const dropped_messages of [1, 3, -1, 0.5, null]) {
    const wrong = JSON.stringify({ ...file, dropped_messages });
    assert.throws(() => readChatFile(wrong, "pico"), { name: "SavedChatError" });
  }
});
