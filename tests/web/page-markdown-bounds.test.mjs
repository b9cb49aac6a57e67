// @ts-check
/** Markdown that would take the page's time or stack is shown as code, whole; what people write is left alone. */

import assert from "node:assert/strict";
import test from "node:test";
import { Marked } from "marked";
import { asCode, boundMarkdown } from "../../web/markdown-bounds.js";

const marked = new Marked({ gfm: true, breaks: true });

const HOSTILE = {
  "a line without end": "word ".repeat(200_000),
  "quotes in quotes": `${">".repeat(10_000)}x`,
  "lists in lists on a line": `${"- ".repeat(2_000)}x`,
  "numbers in numbers": "1. ".repeat(3_000),
  "lists in lists": Array.from({ length: 1_000 }, (_, level) => `${"  ".repeat(level)}- a`).join("\n"),
  "marks in marks": "_a*".repeat(20_000),
  "emphasis in emphasis": `${"*".repeat(5_000)}a${"*".repeat(5_000)}`,
  "an address without end": `${"a.".repeat(50_000)}@`,
  "a table of many columns": `|${"a|".repeat(10_000)}\n|${"-|".repeat(10_000)}\n|${"b|".repeat(10_000)}`,
  "a table of short rows": `|${"a|".repeat(3_000)}\n|${"-|".repeat(3_000)}\n${"|\n".repeat(2_000)}`,
  "a fence that is none": `\`\`\` a\`\n${"_a*".repeat(20_000)}`,
  "a fence inside HTML": `<div>\n\`\`\`\n${"_a*".repeat(20_000)}`,
};

for (const [name, text] of Object.entries(HOSTILE)) {
  test(`${name}: shown as code`, () => {
    const tokens = marked.lexer(boundMarkdown(`before\n\n${text}\n\n**after**`));
    const [code] = tokens.filter(({ type }) => type === "code");
    assert.equal(code.raw.includes(text), true);
    assert.deepEqual([tokens[0].raw, tokens.at(-1)?.raw], ["before", "**after**"]);
  });
}

test("what people write is left alone", () => {
  const rows = Array.from({ length: 200 }, (_, row) => `| ${row} | *some* text | and \`more\` |`).join("\n");
  const text = [
    "# Heading\n\nA paragraph.\n".repeat(40),
    `| a | b | c |\n|---|:-:|--:|\n${rows}`,
    `\`\`\`js\n${"x = [1, 2];\n".repeat(10_000)}\`\`\``,
    "- one\n  - two\n    - three\n\n> quoted\n> > twice\n\n---\n\n***",
  ].join("\n\n");
  assert.equal(boundMarkdown(text), text);
});

test("code that holds fences is fenced by a longer one", () => {
  const [code] = marked.lexer(asCode("````\nx\n```"));
  assert.equal(/** @type {any} */ (code).text, "````\nx\n```");
});
