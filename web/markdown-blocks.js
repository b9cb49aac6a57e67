// @ts-check
/**
 * Cuts a growing Markdown text into top-level blocks without reading it from the start each time.
 *
 * Knows marked's lexer by its shape only, and nothing of the DOM. A block is settled once another one has begun after it
 * with a complete first line: no later text can reach back into it (CommonMark 0.31, "Phase 1: block structure"). Only
 * the text after the last settled block is read again, so a long answer costs as much per frame as its last block.
 *
 * @module
 */

/**
 * @typedef {object} BlockToken
 * @property {string} type
 * @property {string} raw
 */

/**
 * What `marked.lexer` returns: tokens, and the link definitions found among them.
 * @template {BlockToken} T
 * @typedef {T[] & {links: Record<string, unknown>}} BlockTokens
 */

/**
 * @template {BlockToken} T
 * @typedef {object} BlockReader
 * @property {(text: string) => {blocks: T[], unchanged: number, links: number}} read  the blocks of the text so far, how
 *   many from the start are the same objects as in the call before, and the number of link definitions
 */

/**
 * @template {BlockToken} T
 * @param {(text: string) => BlockTokens<T>} lex
 * @returns {BlockReader<T>}
 */
export function createBlockReader(lex) {
  /** @type {T[]} */
  let settled = [];
  let settledText = "";

  return {
    read(text) {
      if (!text.startsWith(settledText)) forget();
      let tail = lex(text.slice(settledText.length));
      if (countLinks(tail) > 0) {
        // Blocks before and after it may use a link definition: from the first one on, everything is read each time.
        if (settled.length > 0) tail = lex(text);
        forget();
        return { blocks: [...tail], unchanged: 0, links: countLinks(tail) };
      }
      const unchanged = settled.length;
      const blocks = [...settled, ...tail];
      for (const token of tail.slice(0, countSettled(tail))) {
        settled.push(token);
        settledText += token.raw;
      }
      return { blocks, unchanged, links: 0 };
    },
  };

  function forget() {
    settled = [];
    settledText = "";
  }
}

/** @param {{links: Record<string, unknown>}} tokens */
function countLinks(tokens) {
  return Object.keys(tokens.links).length;
}

/**
 * How many tokens from the start can no longer change: those before the last block whose first line is complete.
 * @param {readonly BlockToken[]} tokens
 */
function countSettled(tokens) {
  const last = tokens.findLastIndex((token) => token.type !== "space");
  const complete = tokens.slice(Math.max(0, last)).some((token) => token.raw.includes("\n"));
  if (complete) return Math.max(0, last);
  return Math.max(
    0,
    tokens.slice(0, Math.max(0, last)).findLastIndex((token) => token.type !== "space"),
  );
}
