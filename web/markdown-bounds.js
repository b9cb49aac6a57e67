// @ts-check
/**
 * Keeps Markdown within what a page can read and lay out at once: what goes beyond is shown as it was written, as code.
 *
 * Knows lines, not Markdown's tokens. marked takes time quadratic in the marks of a paragraph and stack for each level of
 * nesting, and a table has as many cells as its first row says for every row. Nothing of the text is left out.
 *
 * @module
 */

/** Texts that are shorter than this are quick whatever they hold. */
const SMALL = 400;
const MAX_CHARACTERS = 20_000;
const MAX_MARKS = 2_000;
const MAX_DEPTH = 24;
const MAX_CELLS = 20_000;
const FENCE = /^ {0,3}(?:(`{3,})[^`]*|(~{3,}).*)$/;
const CELL_BORDERS = /^[\s|:-]*$/;

/**
 * @param {string} text
 * @returns {string} the same, or with the lines between two blank ones fenced where they go beyond the bounds
 */
export function boundMarkdown(text) {
  if (text.length < SMALL) return text;
  /** @type {string[]} */
  const done = [];
  /** @type {string[]} */
  let run = [];
  let fence = "";
  const endRun = () => {
    if (isBeyondBounds(run)) done.push(asCode(run.join("\n")));
    else for (const line of run) done.push(line);
    run = [];
  };
  for (const line of text.split("\n")) {
    if (fence !== "") {
      done.push(line);
      if (closes(line, fence)) fence = "";
      continue;
    }
    const match = run[0]?.startsWith("<") ? null : FENCE.exec(line);
    if (match === null && line.trim() !== "") {
      run.push(line);
      continue;
    }
    endRun();
    done.push(line);
    fence = match?.[1] ?? match?.[2] ?? "";
  }
  endRun();
  return done.join("\n");
}

/**
 * @param {string} text
 * @returns {string} Markdown that shows it as it is
 */
export function asCode(text) {
  let longest = 2;
  for (const [ticks] of text.matchAll(/`+/g)) longest = Math.max(longest, ticks.length);
  const fence = "`".repeat(longest + 1);
  return `${fence}\n${text}\n${fence}`;
}

/**
 * @param {string} line
 * @param {string} fence
 */
function closes(line, fence) {
  const trimmed = line.trim();
  return trimmed.length >= fence.length && trimmed === fence[0].repeat(trimmed.length);
}

/** @param {readonly string[]} lines */
function isBeyondBounds(lines) {
  let characters = 0;
  let marks = 0;
  for (const line of lines) {
    characters += line.length;
    marks += line.match(/[*_~`[\]<]/g)?.length ?? 0;
    if (characters > MAX_CHARACTERS || marks > MAX_MARKS || depthOf(line) > MAX_DEPTH) return true;
  }
  return countCells(lines) > MAX_CELLS;
}

/**
 * Quotes and lists that a line opens.
 * @param {string} line
 */
function depthOf(line) {
  const marker = /\s*(?:>|[-+*]\s|\d{1,9}[.)]\s)/y;
  let depth = 0;
  while (depth <= MAX_DEPTH && marker.test(line)) depth += 1;
  return depth;
}

/** @param {readonly string[]} lines */
function countCells(lines) {
  let columns = 0;
  for (const line of lines) if (CELL_BORDERS.test(line)) columns = Math.max(columns, line.split("|").length);
  return columns * lines.length;
}
