// @ts-check
/** What a manifest says that its model says first, and which tokens count as that. */

import assert from "node:assert/strict";
import { test } from "node:test";
import { expectedReply, judgeToken } from "../../web/first-tokens.js";

/** @param {number} length */
const prompt = (length) => ({ input_ids: new Array(length).fill(7) });
const reply = { ids: [4, 5], margins: [2, 0.25] };

/** @param {object} records @returns {any} */
const manifestWith = (records) => ({ name: "m", model: { vocab_size: 100 }, ...records });
/** @param {number[]} lengths  of prompts */
const record = (...lengths) => ({
  prompts: lengths.map(prompt),
  graphs: { wasm: { near_tie: 0.5, replies: lengths.map(() => reply) } },
});
const WANTED = { promptTokens: 32, positions: 1000 };

test("the shortest prompt that is long enough is taken, whoever has it", () => {
  const manifest = manifestWith({ certificate: record(20, 60), first_tokens: record(40) });
  const expected = expectedReply(manifest, "wasm", WANTED);
  assert.equal(expected?.inputIds.length, 40);
  assert.deepEqual(expected, { source: "export", inputIds: prompt(40).input_ids, ...reply, nearTie: 0.5 });
});

test("where none is long enough, the longest is taken", () => {
  const manifest = manifestWith({ certificate: record(20, 30, 10) });
  const expected = expectedReply(manifest, "wasm", WANTED);
  assert.deepEqual([expected?.source, expected?.inputIds.length], ["certificate", 30]);
});

test("a prompt that does not fit with its reply is not taken", () => {
  const manifest = manifestWith({ certificate: record(20, 40) });
  assert.equal(expectedReply(manifest, "wasm", { ...WANTED, positions: 41 })?.inputIds.length, 20);
});

test("a bundle that says nothing of a graph, or never ran it, expects nothing of it", () => {
  assert.equal(expectedReply(manifestWith({}), "wasm", WANTED), null);
  assert.equal(expectedReply(manifestWith({ certificate: record(40) }), "webgpu-f32", WANTED), null);
  const certificate = { prompts: [prompt(40)], graphs: { "webgpu-f16": { not_run: "no shader-f16" } } };
  assert.equal(expectedReply(manifestWith({ certificate }), "webgpu-f16", WANTED), null);
});

const expected = { source: /** @type {const} */ ("export"), inputIds: [1], ...reply, nearTie: 0.5 };

test("another token is wrong where the expected one is ahead, and a near tie where it is not", () => {
  assert.equal(judgeToken(expected, 0, 4, 2), "same");
  assert.equal(judgeToken(expected, 0, 5, 2), "wrong");
  assert.equal(judgeToken(expected, 1, 5, 0.25), "same");
  assert.equal(judgeToken(expected, 1, 4, 0.25), "near tie");
});

test("the expected token is wrong where it is ahead by another amount than four near ties allow", () => {
  assert.equal(judgeToken(expected, 0, 4, 0), "same");
  assert.equal(judgeToken(expected, 0, 4, 4), "same");
  assert.equal(judgeToken(expected, 0, 4, 4.01), "wrong");
  assert.equal(judgeToken(expected, 0, 4, Number.NaN), "wrong");
});

test("the digits that a manifest leaves out are no difference", () => {
  const exact = { ...expected, margins: [16.7, 0], nearTie: 0 };
  assert.equal(judgeToken(exact, 0, 4, 16.7049), "same");
  assert.equal(judgeToken(exact, 0, 4, 16.72), "wrong");
});

for (const [what, spoil] of /** @type {[string, (record: any) => void][]} */ ([
  ["no list of prompts", (each) => delete each.prompts],
  ["a reply too many", (each) => each.graphs.wasm.replies.push(reply)],
  ["an id that is no token", (each) => (each.graphs.wasm.replies = [{ ...reply, ids: [4, 100] }])],
  ["a prompt of text", (each) => (each.prompts = [{ input_ids: "7" }])],
  ["no reply where one should be", (each) => (each.graphs.wasm.replies = [null])],
  ["no margins", (each) => (each.graphs.wasm.replies = [{ ids: [4] }])],
  ["a margin too few", (each) => (each.graphs.wasm.replies = [{ ...reply, margins: [2] }])],
  ["a near tie that is no number", (each) => (each.graphs.wasm.near_tie = null)],
  ["an endless prompt", (each) => (each.prompts = [prompt(5000)])],
])) {
  test(`${what} is refused by name`, () => {
    const certificate = structuredClone(record(40));
    spoil(certificate);
    assert.throws(() => expectedReply(manifestWith({ certificate }), "wasm", WANTED), {
      name: "ManifestError",
      message: /the bundle m says in certificate of wasm what cannot be read/,
    });
  });
}
