// @ts-check
/** What a reader sees and hears: the view follows its end only when asked to, and tokens are not announced. */

import assert from "node:assert/strict";
import test from "node:test";
import { announcementFor } from "../../web/announcements.js";
import { emptyChat, reduceChat } from "../../web/chat-state.js";
import { followsEnd } from "../../web/stickiness.js";

const AT_END = { scrollTop: 400, scrollHeight: 1000, clientHeight: 600 };

test("a small scroll up stops the following", () => {
  assert.equal(followsEnd(true, AT_END, { ...AT_END, scrollTop: 380 }), false);
});

test("text that grows below does not stop the following", () => {
  assert.equal(followsEnd(true, AT_END, { ...AT_END, scrollHeight: 1200 }), true);
});

test("a folded block that moves the view up does not stop the following", () => {
  const folded = { scrollTop: 300, scrollHeight: 920, clientHeight: 600 };
  assert.equal(followsEnd(true, AT_END, folded), true);
});

test("a reader above the end is not pulled down by new text", () => {
  const above = { ...AT_END, scrollTop: 100 };
  assert.equal(followsEnd(false, above, { ...above, scrollHeight: 1500 }), false);
});

test("scrolling down without reaching the end does not follow yet", () => {
  const above = { ...AT_END, scrollTop: 100 };
  assert.equal(followsEnd(false, above, { ...above, scrollTop: 300 }), false);
});

test("back at the end the following begins again", () => {
  assert.equal(followsEnd(false, { ...AT_END, scrollTop: 100 }, { ...AT_END, scrollTop: 396 }), true);
});

test("a whole turn announces thinking once and the answer once", () => {
  const usage = /** @type {any} */ ({});
  /** @type {import("../../web/chat-state.js").ChatEvent[]} */
  const events = [
    { kind: "question", text: "q" },
    { kind: "turn-started", id: 1 },
    { kind: "reasoning", id: 1, text: "h", at: 0 },
    { kind: "reasoning", id: 1, text: "m", at: 0 },
    { kind: "text", id: 1, text: "The sum is ", at: 0 },
    { kind: "text", id: 1, text: "**7**.", at: 0 },
    { kind: "done", id: 1, finishReason: "stop", usage, at: 0 },
  ];
  let state = reduceChat(emptyChat(), { kind: "ready", ready: /** @type {any} */ ({}) });
  const said = events.map((event) => {
    const sentence = announcementFor(event, state);
    state = reduceChat(state, event);
    return sentence;
  });
  assert.deepEqual(
    said.filter((sentence) => sentence !== ""),
    ["Thinking.", "Answer: The sum is 7."],
  );
});

test("a call that waits for a person is announced, and what a tool gave", () => {
  const asked = /** @type {const} */ ({ kind: "toolAsked", id: 1, index: 0 });
  assert.match(announcementFor(asked, emptyChat()), /waits for a result/);
  const given = /** @type {const} */ ({ kind: "toolResult", id: 1, index: 0, content: "1026" });
  assert.equal(announcementFor(given, emptyChat()), "Tool's result: 1026");
});

test("a stopped answer is announced as stopped", () => {
  const state = reduceChat(emptyChat(), { kind: "question", text: "q" });
  const usage = /** @type {any} */ ({});
  const event = /** @type {const} */ ({ kind: "done", id: 1, finishReason: "abort", usage, at: 0 });
  assert.equal(announcementFor(event, state), "Stopped.");
  const cleared = reduceChat(state, { kind: "new-chat", at: 0 });
  assert.equal(announcementFor(event, cleared), "", "of a turn that is gone nothing is said");
});
