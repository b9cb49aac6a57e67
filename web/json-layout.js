// @ts-check
/**
 * JSON on lines of its own, indented; what is written stays to the character, as numbers would not if they were read.
 *
 * Pure. Takes the beginning of a document, too.
 *
 * @module
 */

const INDENT = "  ";

/**
 * @param {string} json  compact: white space only inside strings and after `:` and `,`
 */
export function layOutJson(json) {
  let depth = 0;
  const line = () => `\n${INDENT.repeat(depth)}`;
  // Strings whole (the last may be unfinished), empty pairs, then what structures, then all else.
  const pieces = json.match(/"(?:[^"\\]|\\.)*"?|\{\s*\}|\[\s*\]|[{}[\]]|,\s*|:\s*|[^"{}[\],:]+/gs) ?? [];
  return pieces
    .map((piece) => {
      if (piece === "{" || piece === "[") {
        depth++;
        return piece + line();
      }
      if (piece === "}" || piece === "]") {
        depth = Math.max(0, depth - 1);
        return line() + piece;
      }
      if (piece[0] === ",") return `,${line()}`;
      if (piece[0] === ":") return ": ";
      return piece;
    })
    .join("");
}
