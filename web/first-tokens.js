// @ts-check
/**
 * What a bundle says its model says first, for one graph, and whether what was computed is that.
 *
 * The manifest has it from `pagelm verify` (`certificate`) and from `pagelm export` (`first_tokens`), in one form: prompts,
 * and for each graph the likeliest tokens after them, by how many logits each is ahead, and below which margin two sound
 * machines may differ. Follows docs/contracts.md, "Certificate". Runs nothing.
 *
 * @module
 */

import { ManifestError } from "./errors.js";

/** Most tokens of a prompt, and after it, that are believed to be meant for this. */
const MOST_TOKENS = 4096;
/** Two logits make a margin, and either may be off on either machine. */
const LOGITS_COMPARED = 4;
/** A manifest has four digits of a margin. */
const ROUNDING = 5e-4;

/**
 * @typedef {object} ExpectedReply
 * @property {"certificate" | "export"} source
 * @property {number[]} inputIds  of the prompt
 * @property {number[]} ids  the likeliest token of each step, the ones before being run
 * @property {number[]} margins  by how many logits each is ahead
 * @property {number} nearTie  up to this margin another token may be the likeliest
 */

/**
 * The shortest prompt of at least `promptTokens` tokens, or the longest.
 *
 * @param {import("./bundle-store.js").Manifest} manifest
 * @param {string} graph
 * @param {{promptTokens: number, positions: number}} wanted  positions: that a prompt and its reply may take
 * @returns {ExpectedReply | null} null: the manifest says nothing of this graph
 * @throws {ManifestError} what it says has another form
 */
export function expectedReply(manifest, graph, { promptTokens, positions }) {
  const replies = [
    ...repliesOf(manifest, "certificate", graph),
    ...repliesOf(manifest, "first_tokens", graph),
  ].filter(({ inputIds, ids }) => inputIds.length + ids.length <= positions);
  replies.sort((a, b) => a.inputIds.length - b.inputIds.length);
  return replies.find(({ inputIds }) => inputIds.length >= promptTokens) ?? replies.at(-1) ?? null;
}

/**
 * Where the model is sure, a wrong token shows; a right one that is ahead by another amount shows faults that happen not to
 * move a token.
 *
 * @param {ExpectedReply} expected
 * @param {number} step
 * @param {number} tokenId  the likeliest one here
 * @param {number} margin  by how many logits it is ahead here
 * @returns {"same" | "near tie" | "wrong"}
 */
export function judgeToken({ ids, margins, nearTie }, step, tokenId, margin) {
  if (ids[step] !== tokenId) return margins[step] <= nearTie ? "near tie" : "wrong";
  const allowed = LOGITS_COMPARED * nearTie + ROUNDING * margins[step];
  return Math.abs(margin - margins[step]) <= allowed ? "same" : "wrong";
}

/**
 * @param {import("./bundle-store.js").Manifest} manifest
 * @param {"certificate" | "first_tokens"} key
 * @param {string} graph
 * @returns {ExpectedReply[]}
 */
function repliesOf(manifest, key, graph) {
  const record = manifest[key];
  const entry = record?.graphs?.[graph];
  if (entry === undefined || entry.not_run !== undefined) return [];
  const { vocab_size: vocabSize } = manifest.model;
  const source = key === "certificate" ? "certificate" : "export";
  const { prompts } = /** @type {NonNullable<typeof record>} */ (record);
  const { near_tie: nearTie, replies } = entry;
  if (!Array.isArray(prompts) || !Array.isArray(replies) || prompts.length !== replies.length) {
    throw malformed(manifest, key, graph, "one reply to each prompt");
  }
  return replies.map((reply, index) => {
    const expected = { source, inputIds: prompts[index]?.input_ids, ...reply, nearTie };
    if (isSound(expected, vocabSize)) return /** @type {ExpectedReply} */ (expected);
    throw malformed(manifest, key, graph, `ids below ${vocabSize} with a margin of at least 0 for each`);
  });
}

/**
 * @param {any} expected
 * @param {number} vocabSize
 */
function isSound({ inputIds, ids, margins, nearTie }, vocabSize) {
  return (
    areIds(inputIds, vocabSize) &&
    areIds(ids, vocabSize) &&
    Array.isArray(margins) &&
    margins.length === ids.length &&
    [nearTie, ...margins].every((number) => Number.isFinite(number) && number >= 0)
  );
}

/**
 * @param {unknown} ids
 * @param {number} vocabSize
 */
function areIds(ids, vocabSize) {
  if (!Array.isArray(ids) || ids.length === 0 || ids.length > MOST_TOKENS) return false;
  return ids.every((id) => Number.isInteger(id) && id >= 0 && id < vocabSize);
}

/**
 * @param {import("./bundle-store.js").Manifest} manifest
 * @param {string} key
 * @param {string} graph
 * @param {string} expected
 */
function malformed({ name }, key, graph, expected) {
  return new ManifestError(`the bundle ${name} says in ${key} of ${graph} what cannot be read`, {
    expected,
    remedy: "Export the bundle again, or check the bundle's address.",
  });
}
