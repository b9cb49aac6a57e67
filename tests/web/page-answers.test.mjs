// @ts-check
/** What answers may take and look like: the slider's budgets, the form they are held to, JSON on lines of its own. */

import assert from "node:assert/strict";
import { test } from "node:test";
import { createFormatCheck } from "../../web/format-check.js";
import { layOutJson } from "../../web/json-layout.js";
import { NO_FORMAT, readFormat, restoreFormat } from "../../web/response-format.js";
import { budgetStops, budgetText, stopOf } from "../../web/thinking-budgets.js";

test("the slider goes from none over powers of two to no limit", () => {
  const stops = budgetStops(100);
  assert.deepEqual(stops, [0, 16, 32, 64, undefined]);
  assert.deepEqual(
    [undefined, 0, 15, 16, 40, 1000].map((budget) => stopOf(stops, budget)),
    [4, 0, 0, 1, 2, 3],
  );
  assert.deepEqual([undefined, 0, 4096].map(budgetText), ["no limit", "none", "4,096 tokens"]);
});

test("a form is asked for only when it can be read", () => {
  const typed = { ...NO_FORMAT, schema: '{"type": "array"}', pattern: "yes|no" };
  assert.deepEqual(readFormat(typed), { format: null });
  assert.deepEqual(readFormat({ ...typed, kind: "json_schema" }).format, {
    type: "json_schema",
    schema: { type: "array" },
  });
  assert.deepEqual(readFormat({ ...typed, kind: "regex" }).format, { type: "regex", pattern: "yes|no" });
  assert.match(readFormat({ ...typed, kind: "json_schema", schema: "{" }).problem ?? "", /no JSON/);
  assert.match(readFormat({ ...typed, kind: "json_schema", schema: "[1]" }).problem ?? "", /JSON object/);
  assert.match(
    readFormat({ ...typed, kind: "json_schema", schema: " " }).problem ?? "",
    /Write a JSON schema/,
  );
  assert.match(readFormat({ ...typed, kind: "regex", pattern: "" }).problem ?? "", /regular expression/);
});

test("a stored form comes back, a spoilt one does not", () => {
  const choice = { kind: /** @type {const} */ ("regex"), schema: "", pattern: "a" };
  assert.deepEqual(restoreFormat(JSON.parse(JSON.stringify(choice))), choice);
  assert.deepEqual(restoreFormat({ kind: "xml", schema: "", pattern: "" }), NO_FORMAT);
  assert.deepEqual(restoreFormat({ kind: "regex", schema: 1, pattern: "a" }), NO_FORMAT);
});

test("the model says what is wrong with a form, once typing rests", async () => {
  /** @type {string[]} */
  const shown = [];
  let asked = 0;
  const checkFormat = async () => {
    asked++;
    throw Object.assign(new Error("no lookaheads"), { name: "GrammarError" });
  };
  const choice = { kind: /** @type {const} */ ("regex"), schema: "", pattern: "(?=a)" };
  await new Promise((resolve) => {
    const check = createFormatCheck(
      () => ({ client: { checkFormat }, choice }),
      (problem) => {
        shown.push(problem);
        resolve(undefined);
      },
    );
    check.request();
    check.request();
  });
  assert.deepEqual([asked, shown], [1, ["GrammarError: no lookaheads"]]);
});

test("JSON is laid out as JSON.stringify would, and numbers stay as they are written", () => {
  const value = { a: [1, { b: "x, {y}: \\" }], c: {}, d: [], e: null };
  assert.equal(layOutJson(JSON.stringify(value)), JSON.stringify(value, null, 2));
  assert.equal(
    layOutJson('{"n": 1.50e3, "m": 12345678901234567890}'),
    '{\n  "n": 1.50e3,\n  "m": 12345678901234567890\n}',
  );
  assert.equal(layOutJson('{"a": "unfin'), '{\n  "a": "unfin');
});
