// @ts-check
/** What the chat shows of an answer whose worker was lost: it stays open, is cut to what is certain, and goes on. */

import assert from "node:assert/strict";
import { test } from "node:test";
import { emptyChat, reduceChat } from "../../web/chat-state.js";
import { nextTurn, openTurn } from "../../web/open-turn.js";

/** @typedef {import("../../web/chat-state.js").ChatEvent} ChatEvent */

/** @type {import("../../web/chat-types.js").Notice} */
const NOTICE = { tone: "note", error: { name: "DeviceLostError", message: "It was lost." }, remedy: null };
const LOST = /** @type {const} */ ({ kind: "lost", notice: NOTICE });
const FAILED = /** @type {const} */ ({ kind: "load-failed", error: NOTICE.error, at: 3000 });
const CALL = { name: "add", arguments: { a: 1 } };

/** @param {ChatEvent[]} events  after a question was taken */
function answering(...events) {
  const asked = reduceChat({ ...emptyChat(), phase: "ready" }, { kind: "question", text: "?" });
  return [{ kind: /** @type {const} */ ("turn-started"), id: 1 }, ...events].reduce(reduceChat, asked);
}

test("the answer stays open while the model loads again, and the notice stands until the next question", () => {
  const state = answering({ kind: "text", id: 1, text: "ab", at: 1 }, LOST);
  assert.deepEqual([state.phase, state.ready, state.notice], ["loading", null, NOTICE]);
  assert.deepEqual([openTurn(state)?.answer, nextTurn(state)], ["ab", null]);
  const ready = reduceChat(state, { kind: "ready", ready: /** @type {any} */ ({}) });
  assert.deepEqual([ready.notice, nextTurn(ready)], [NOTICE, null]);
});

test("it is cut to what is certain, and what is told again follows that", () => {
  const state = answering(
    { kind: "reasoning", id: 1, text: "abc", at: 1 },
    { kind: "text", id: 1, text: "de", at: 2 },
    { kind: "toolCall", id: 1, call: CALL, at: 3 },
    LOST,
    { kind: "cutBack", id: 1, reasoning: 3, answer: 1, calls: 0 },
    { kind: "text", id: 1, text: "e", at: 4 },
  );
  const { reasoning, answer, calls, status } = state.turns[0];
  assert.deepEqual([reasoning, answer, calls, status], ["abc", "de", [], "answering"]);
});

test("an answer that is stopped meanwhile keeps what there is of it", () => {
  const [turn] = answering({ kind: "reasoning", id: 1, text: "abc", at: 1000 }, LOST, {
    kind: "stopped",
    id: 1,
    at: 3000,
  }).turns;
  assert.deepEqual(
    [turn.status, turn.finishReason, turn.reasoning, turn.thinkingMs, turn.usage],
    ["finished", "abort", "abc", 2000, null],
  );
});

test("where the model cannot be loaded again, a question without a token goes back to the composer", () => {
  const state = answering(LOST, FAILED);
  assert.deepEqual([state.turns, state.draft, state.notice?.remedy], [[], "?", "load"]);
});

test("an answer that has begun then waits, without an error of its own, and goes on when it is tried again", () => {
  const cut = /** @type {const} */ ({ kind: "cutBack", id: 1, reasoning: 2, answer: 0, calls: 0 });
  const begun = answering({ kind: "reasoning", id: 1, text: "abc", at: 1000 }, FAILED, cut);
  assert.deepEqual([begun.phase, begun.notice?.remedy], ["failed", "load"]);
  const { status, error, reasoning, thinkingMs } = begun.turns[0];
  assert.deepEqual([status, error, reasoning, thinkingMs], ["suspended", null, "ab", 2000]);
  const loading = reduceChat(begun, { kind: "load-resumed" });
  assert.deepEqual([loading.phase, loading.notice, nextTurn(loading)], ["loading", null, null]);
  const on = [
    { kind: /** @type {const} */ ("reasoning"), id: 1, text: "c", at: 60_000 },
    { kind: /** @type {const} */ ("text"), id: 1, text: "d", at: 61_000 },
  ].reduce(reduceChat, loading);
  assert.deepEqual([on.turns[0].reasoning, on.turns[0].answer, on.turns[0].thinkingMs], ["abc", "d", 3000]);
});

test("an answer that waits ends as stopped when another backend is loaded", () => {
  const begun = answering({ kind: "text", id: 1, text: "ab", at: 1 }, FAILED);
  const [turn] = reduceChat(begun, { kind: "load-started", at: 4000 }).turns;
  assert.deepEqual([turn.status, turn.finishReason, turn.answer], ["finished", "abort", "ab"]);
});
