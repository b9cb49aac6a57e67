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
  const failed = { kind: /** @type {const} */ ("load-failed"), error: NOTICE.error };
  const state = answering(LOST, failed);
  assert.deepEqual([state.turns, state.draft, state.notice?.remedy], [[], "?", "load"]);
  const begun = answering({ kind: "text", id: 1, text: "ab", at: 1 }, LOST, failed, {
    kind: "turn-failed",
    id: 1,
    error: NOTICE.error,
    at: 2,
  });
  assert.deepEqual([begun.turns[0].answer, begun.turns[0].status], ["ab", "failed"]);
  assert.deepEqual([begun.phase, begun.notice?.remedy], ["failed", "load"]);
});
