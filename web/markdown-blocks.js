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
 * @property {(text: string) => {blocks: T[], unchanged: number}} read  the blocks of the text so far, and how many from
 *   the start are the same objects as in the call before
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
      if (!text.startsWith(settledText)) {
        settled = [];
        settledText = "";
      }
      const unchanged = settled.length;
      const tail = lex(text.slice(settledText.length));
      const blocks = [...settled, ...tail];
      // A link definition may be used by blocks before and after it: from here on, always read everything.
      if (Object.keys(tail.links).length === 0) {
        const count = countSettled(tail);
        settled = [...settled, ...tail.slice(0, count)];
        settledText += tail
          .slice(0, count)
          .map((token) => token.raw)
          .join("");
      } else if (settled.length > 0) {
        settled = [];
        settledText = "";
        return { blocks: [...lex(text)], unchanged: 0 };
      }
      return { blocks, unchanged };
    },
  };
}

/**
 * How many tokens from the start can no longer change.
 * @param {readonly BlockToken[]} tokens
 */
function countSettled(tokens) {
  const last = tokens.findLastIndex((token) => token.type !== "space");
  const begun = tokens.slice(Math.max(0, last));
  return last > 0 && begun.some((token) => token.raw.includes("\n")) ? last : 0;
}
