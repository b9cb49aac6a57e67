// @ts-check
/** What a person types as tools, forms and budgets, and how calls and JSON read. */

import assert from "node:assert/strict";
import test from "node:test";
import { layOutJson } from "../../web/json-layout.js";
import { readFormat, restoreFormat } from "../../web/response-format.js";
import { budgetStops, budgetText, stopOf } from "../../web/thinking-budgets.js";
import {
  addTool,
  readTool,
  removeTool,
  restoreTools,
  storeTools,
  switchTool,
} from "../../web/tool-choice.js";
import { describeArguments, describeCall, errorIn } from "../../web/tool-texts.js";

const PARAMETERS = '{"type": "object", "properties": {"place": {"type": "string"}}}';
const typed = { name: " get_weather ", description: " Tells it. ", parameters: PARAMETERS };
const NONE = { enabled: [], own: [] };

/** @returns {import("../../web/protocol.js").ToolSchema} */
function weather() {
  const { tool } = readTool(typed, []);
  assert.ok(tool);
  return tool;
}

test("a tool is read, switched on, kept and removed", () => {
  assert.deepEqual(weather().function, {
    name: "get_weather",
    description: "Tells it.",
    parameters: JSON.parse(PARAMETERS),
  });
  const added = addTool(NONE, weather());
  assert.deepEqual(added.enabled, ["get_weather"]);
  assert.deepEqual(restoreTools(storeTools(added)), added);
  assert.deepEqual(switchTool(added, "get_weather", false).enabled, []);
  assert.deepEqual(removeTool(added, "get_weather"), NONE);
});

test("a tool without parameters takes none", () => {
  const { tool } = readTool({ ...typed, parameters: " " }, []);
  assert.deepEqual(tool?.function.parameters, { type: "object", properties: {} });
});

/** @type {Array<[string, Partial<typeof typed>, string[], RegExp]>} */
const REFUSED = [
  ["no name", { name: "" }, [], /A name has letters/],
  ["a name with spaces", { name: "get weather" }, [], /A name has letters/],
  ["a name that is taken", {}, ["get_weather"], /There is a tool named get_weather/],
  ["parameters that are no JSON", { parameters: "{" }, [], /This is no JSON/],
  ["parameters that are no object's", { parameters: '{"type": "string"}' }, [], /a schema of an object/],
  [
    "a property that is no schema",
    { parameters: '{"type": "object", "properties": {"a": 1}}' },
    [],
    /a schema/,
  ],
  ["names that are none", { parameters: '{"type": "object", "required": [1]}' }, [], /a schema of an object/],
];
for (const [what, change, taken, problem] of REFUSED) {
  test(`a tool with ${what} is refused`, () => {
    assert.match(readTool({ ...typed, ...change }, taken).problem ?? "", problem);
  });
}

test("stored tools that cannot be read are left out", () => {
  for (const stored of [null, "", "{", "[]", '{"version": 2}']) assert.deepEqual(restoreTools(stored), NONE);
  const mixed = JSON.stringify({ version: 1, enabled: ["a", 1], own: [weather(), { type: "function" }] });
  assert.deepEqual(restoreTools(mixed), { enabled: ["a"], own: [weather()] });
});

test("a call reads as what was asked and what came of it", () => {
  const call = { name: "calculator", arguments: { expression: "1 / 0", digits: 3 } };
  assert.equal(describeArguments(call.arguments), "expression: 1 / 0\ndigits: 3");
  assert.equal(describeArguments({}), "none");
  assert.equal(describeCall({ call, result: null }), "1 / 0, 3");
  assert.equal(describeCall({ call, result: '{"error": "Not by 0."}' }), "1 / 0, 3 → Not by 0.");
  assert.equal(describeCall({ call: { text: "{", problem: "No." }, result: "a\n b" }), "→ a b");
});

test("only what says nothing but an error is one", () => {
  assert.equal(errorIn('{"error": "no"}'), "no");
  for (const result of ["1026", "null", "text", '{"error": 3}', '{"error": "no", "more": 1}']) {
    assert.equal(errorIn(result), null);
  }
});

test("a form is none, a schema or a pattern, and what is no JSON is said", () => {
  const none = { kind: /** @type {const} */ ("none"), schema: "{", pattern: "" };
  assert.deepEqual(readFormat(none), { format: null });
  assert.deepEqual(readFormat({ ...none, kind: "json_schema", schema: "true" }).format, {
    type: "json_schema",
    schema: true,
  });
  assert.deepEqual(readFormat({ ...none, kind: "regex", pattern: "a|b" }).format, {
    type: "regex",
    pattern: "a|b",
  });
  assert.match(readFormat({ ...none, kind: "regex" }).problem ?? "", /Write a regular expression/);
  assert.match(readFormat({ ...none, kind: "json_schema" }).problem ?? "", /is no JSON/);
  for (const schema of ["", "[]", "3", "null"]) {
    assert.ok(readFormat({ ...none, kind: "json_schema", schema }).problem);
  }
  assert.deepEqual(restoreFormat(JSON.parse(JSON.stringify(none))), none);
  assert.equal(restoreFormat({ kind: "xml" }).kind, "none");
});

test("the slider stands on powers of two, with none and no limit at its ends", () => {
  const stops = budgetStops(100);
  assert.deepEqual(stops, [0, 16, 32, 64, undefined]);
  assert.deepEqual(
    [0, 15, 16, 50, 5000, undefined].map((budget) => stopOf(stops, budget)),
    [0, 0, 1, 2, 3, 4],
  );
  assert.deepEqual([0, 2048, undefined].map(budgetText), ["none", "2,048 tokens", "no limit"]);
});

test("JSON is laid out with every character of its values kept", () => {
  const json = '{"a": [1,2.50],"b":{},"c": "x, {y}: \\" z","d":1e400}';
  const laid = layOutJson(json);
  assert.equal(
    laid,
    '{\n  "a": [\n    1,\n    2.50\n  ],\n  "b": {},\n  "c": "x, {y}: \\" z",\n  "d": 1e400\n}',
  );
  for (let end = 0; end <= json.length; end++) {
    const squeezed = layOutJson(json.slice(0, end)).replaceAll(/\s/g, "");
    assert.equal(squeezed, json.slice(0, end).replaceAll(/\s/g, ""));
  }
});
