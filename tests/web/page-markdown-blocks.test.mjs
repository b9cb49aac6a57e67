// @ts-check
/** Blocks read from a growing text are those marked finds in the whole text at once, and settled ones are kept. */

import assert from "node:assert/strict";
import test from "node:test";
import { Marked } from "marked";
import { createBlockReader } from "../../web/markdown-blocks.js";

const marked = new Marked({ gfm: true });
/** @param {string} text */
const lex = (text) => /** @type {any} */ (marked.lexer(text));

const DOCUMENTS = {
  "paragraphs and headings": "# One\n\nText that\ngoes on.\n\nSetext\n===\n\nMore *text*.\n\n---\n\nEnd\n",
  "a list that a number continues": "1. a\n2. b\n\n3. c\n\ntext\n\n- x\n\n  inside\n- y\n    - z\n\nafter\n",
  "a fence with blank lines":
    "Before\n\n```js\nlet a = 1;\n\n# not a heading\n```\n\nAfter\n\n~~~\nopen\n\nto the end",
  "a table": "| a | b |\n|---|--:|\n| 1 | 2 |\n| 3 | 4 |\n\nText\n\n> quote\nlazy\n\n> two\n",
  "indented code and html": "text\n\n    code\n\n    more\n\n<div>\nhello\n\n</div>\n\nlast",
  "link definitions": "See [a] and [b].\n\nMore [a].\n\n[a]: https://example.org\n\nLater [a].\n\nEnd\n",
  "windows line ends": "one\r\n\r\n- a\r\n- b\r\n\r\ntwo\r\n",
};

for (const [name, document] of Object.entries(DOCUMENTS)) {
  for (const size of [1, 2, 3, 7]) {
    test(`${name}: ${size} characters at a time give the tokens of the whole`, () => {
      const reader = createBlockReader(lex);
      let blocks = reader.read("").blocks;
      for (let end = size; end < document.length + size; end += size) {
        blocks = reader.read(document.slice(0, end)).blocks;
      }
      assert.deepEqual(blocks, [...lex(document)]);
    });
  }
}

test("every prefix gives the tokens of that prefix", () => {
  const document = Object.values(DOCUMENTS).slice(0, 5).join("\n\n");
  const reader = createBlockReader(lex);
  for (let end = 1; end <= document.length; end += 1) {
    const prefix = document.slice(0, end);
    assert.deepEqual(reader.read(prefix).blocks, [...lex(prefix)], JSON.stringify(prefix.slice(-40)));
  }
});

test("a link definition reaches the blocks before it at once", () => {
  const document = DOCUMENTS["link definitions"];
  const reader = createBlockReader(lex);
  for (let end = 1; end <= document.length; end += 1) {
    const prefix = document.slice(0, end);
    assert.deepEqual(reader.read(prefix).blocks, [...lex(prefix)], JSON.stringify(prefix.slice(-40)));
  }
});

test("a settled block is the same object in the next read", () => {
  const reader = createBlockReader(lex);
  const first = reader.read("one\n\ntwo\n\nthree\n").blocks;
  const second = reader.read("one\n\ntwo\n\nthree\n\nfour\n");
  assert.equal(second.unchanged, 4);
  assert.ok(second.blocks.slice(0, 4).every((block, index) => block === first[index]));
});

test("the text read again does not grow with the answer", () => {
  let longest = 0;
  const reader = createBlockReader((text) => {
    longest = Math.max(longest, text.length);
    return lex(text);
  });
  let text = "";
  for (let line = 0; line < 2000; line += 1) {
    text += `Paragraph number ${line}.\n\n`;
    reader.read(text);
  }
  assert.ok(longest < 200, `read ${longest} characters at once`);
});

test("another text starts anew", () => {
  const reader = createBlockReader(lex);
  reader.read("one\n\ntwo\n\nthree\n");
  const { blocks, unchanged } = reader.read("other\n\ntext\n");
  assert.equal(unchanged, 0);
  assert.deepEqual(blocks, [...lex("other\n\ntext\n")]);
});
