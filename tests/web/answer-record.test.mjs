// @ts-check
/** From where an interrupted reply goes on, and that the same can be said again. */

import assert from "node:assert/strict";
import { test } from "node:test";
import { AnswerRecord } from "../../web/answer-record.js";

/** @typedef {import("../../web/protocol.js").GenerationEvent} GenerationEvent */

const OPTIONS = { messages: [], sampling: { temperature: 1 } };

/** @param {AnswerRecord} record @param {any[]} events */
const takeAll = (record, ...events) => events.map((event) => record.take({ id: 1, ...event }));

test("a reply gets a seed once, and keeps one that was asked for", () => {
  const record = new AnswerRecord(OPTIONS);
  const { seed } = record.request.sampling;
  assert.ok(Number.isInteger(seed));
  assert.equal(record.request.sampling.seed, seed);
  assert.equal(record.request.sampling.temperature, 1);
  assert.equal(new AnswerRecord({ ...OPTIONS, sampling: { seed: 7 } }).request.sampling.seed, 7);
});

test("it goes on behind the tokens that were told, and their text is what is certain", () => {
  const record = new AnswerRecord(OPTIONS);
  assert.equal("said" in record.request, false);
  takeAll(record, { kind: "reasoning", text: "ab" }, { kind: "text", text: "cde", said: [7, 8] });
  assert.deepEqual(record.request.said, [7, 8]);
  assert.deepEqual(record.cutBack(), { kind: "cutBack", reasoning: 2, answer: 0, calls: 0 });
});

test("what follows the certain part is told again and counts once", () => {
  const record = new AnswerRecord(OPTIONS);
  takeAll(record, { kind: "text", text: "abc", said: [1] }, { kind: "text", text: "d" });
  record.cutBack();
  takeAll(
    record,
    { kind: "text", text: "abc" },
    { kind: "toolCall", said: [2] },
    { kind: "text", text: "d", said: [3] },
  );
  assert.deepEqual(record.request.said, [1, 2, 3]);
  assert.deepEqual(record.cutBack(), { kind: "cutBack", reasoning: 0, answer: 3, calls: 1 });
});

test("messages that were dropped are told once, and more of them as what they are more", () => {
  const record = new AnswerRecord(OPTIONS);
  const [first, again, more] = takeAll(
    record,
    ...[2, 2, 5].map((messages) => ({ kind: "turnsDropped", messages })),
  );
  assert.deepEqual(first, { kind: "turnsDropped", id: 1, messages: 2 });
  assert.equal(again, null);
  assert.deepEqual(more, { kind: "turnsDropped", id: 1, messages: 3 });
});
