// @ts-check
/** What a person reads of kept models, and before one is deleted. */

import assert from "node:assert/strict";
import test from "node:test";
import {
  checkSentence,
  deleteQuestion,
  lastUseWords,
  modelSentence,
  roomSentence,
} from "../../web/stored-model-sentences.js";

const NOW = Date.UTC(2026, 4, 3, 12);
const MODEL = {
  url: "http://host/models/pico/",
  name: "pico",
  storedBytes: 1.6e6,
  totalBytes: 1.6e6,
  ownBytes: 1.6e6,
  isComplete: true,
  lastUsedMs: NOW - 7_200_000,
  users: 0,
};
const UNUSED = { isCurrent: false, others: 0 };

for (const [ago, words] of /** @type {const} */ ([
  [-5000, "used just now"],
  [59_000, "used just now"],
  [60_000, "used 1 minute ago"],
  [3_599_000, "used 59 minutes ago"],
  [86_400_000 * 3, "used 3 days ago"],
  [86_400_000 * 90, "last used on 2026-02-02"],
])) {
  test(`${ago} ms ago is “${words}”`, () => assert.equal(lastUseWords(NOW - ago, NOW), words));
}

test("a model is told with its size, its last use and who uses it", () => {
  assert.equal(modelSentence(MODEL, UNUSED, NOW), "1.6 MB; used 2 hours ago.");
  const use = { isCurrent: true, others: 2 };
  assert.match(modelSentence(MODEL, use, NOW), / This chat's model\. In use in 2 other tabs\.$/);
  const part = { ...MODEL, storedBytes: 0.4e6, ownBytes: 0.1e6, isComplete: false };
  assert.match(
    modelSentence(part, UNUSED, NOW),
    /^Incomplete, 0\.4 of 1\.6 MB \(the next load fetches the rest\), 300 kB of it for other models too;/,
  );
});

test("the question before a deletion says what it frees and who goes on without it", () => {
  assert.equal(
    deleteQuestion(MODEL, UNUSED),
    "Delete pico from this device? That frees 1.6 MB. The next load downloads it again.",
  );
  assert.match(
    deleteQuestion(MODEL, { isCurrent: true, others: 0 }),
    /This chat goes on with what is in memory;/,
  );
  assert.match(deleteQuestion(MODEL, { isCurrent: false, others: 1 }), /Another tab goes on/);
  assert.match(deleteQuestion(MODEL, { isCurrent: true, others: 1 }), /This chat and another tab go on/);
  assert.match(deleteQuestion(MODEL, { isCurrent: false, others: 2 }), /2 other tabs go on/);
});

test("a model whose files others need frees nothing", () => {
  const shared = { ...MODEL, ownBytes: 0 };
  assert.match(modelSentence(shared, UNUSED, NOW), /^1\.6 MB, all of it for other models too;/);
  assert.match(
    deleteQuestion(shared, UNUSED),
    /frees nothing, because other models need what is kept of it\.$/,
  );
});

test("a check tells what was right, what was damaged and what is missing", () => {
  const file = (/** @type {string} */ name) => ({ file: name, bytes: 1000, sha256: "0" });
  assert.equal(checkSentence({ checkedBytes: 1.6e6, altered: [], missing: [] }), "All 1.6 MB are right.");
  assert.equal(
    checkSentence({ checkedBytes: 2000, altered: [file("w/1")], missing: [file("w/2"), file("w/3")] }),
    "1 file (w/1, 1.0 kB) was damaged and was deleted; 2 files (2.0 kB) were missing or not whole. The next load fetches what is missing; the other 2.0 kB are right.",
  );
});

test("room is told where the browser says it, with what it promises", () => {
  const kept = { models: [MODEL], leftoverBytes: 0, usageBytes: 2e6, quotaBytes: 6e9, isPersistent: true };
  assert.match(
    roomSentence(kept),
    /keeps 2\.0 MB, .* up to 6\.0 GB\. The browser keeps it until you delete it\.$/,
  );
  assert.match(roomSentence({ ...kept, isPersistent: false }), /may delete it by itself/);
  assert.equal(roomSentence({ ...kept, quotaBytes: null }), "");
});
