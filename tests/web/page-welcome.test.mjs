// @ts-check
/** The empty page speaks for the model it has. */

import assert from "node:assert/strict";
import test from "node:test";
import { mountWelcome } from "../../web/widgets/welcome.js";
import { installFakeDocument, makeRoot, visible } from "./fake-document.mjs";

installFakeDocument();

/** @param {object} model */
function examplesOf(model) {
  const root = makeRoot("section");
  mountWelcome(root, { model: { name: "m", path: "models/m/", ...model }, onExample: () => {} });
  return { text: root.textContent, examples: visible(root, "button").map(({ textContent }) => textContent) };
}

test("a model's own description and examples are shown, and no others", () => {
  const { text, examples } = examplesOf({ description: "It adds.", examples: ["What is 1 + 1?"] });
  assert.match(text, /It adds\./);
  assert.deepEqual(examples, ["What is 1 + 1?"]);
});

test("without examples of its own a model is asked what any model can be asked", () => {
  const { examples } = examplesOf({});
  assert.ok(examples.includes("What can you do?"));
  assert.doesNotMatch(examples.join(), /\d|strawberry|Reverse/);
});
