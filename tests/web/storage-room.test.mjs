// @ts-check
/** What is said of a model that does not fit: which others could go, by name, and whether that is enough. */

import assert from "node:assert/strict";
import test from "node:test";
import { noRoom, storageFailed } from "../../web/storage-room.js";

const entry = (/** @type {string} */ sha256, /** @type {number} */ bytes) => ({ file: "w", bytes, sha256 });
const NEEDED = [entry("a", 50e6), entry("b", 90e6)]; // 100 MB more than what is kept
const SIZES = new Map([["a", 40e6]]);
const LATEST = { name: "latest", bytes: 30e6 };
const OLDEST = { name: "oldest", bytes: 60e6 };

/** @param {number} room @param {import("../../web/storage-room.js").Deletable[]} others */
const say = (room, others) => noRoom(NEEDED, SIZES, { quota: 100e6 + room, usage: 100e6 }, others);

test("what fits is not talked about", () => {
  assert.equal(say(100e6, [OLDEST]), null);
  assert.equal(noRoom(NEEDED, SIZES, {}, []), null);
});

test("the longest unused models that are enough are named, and no others", () => {
  assert.match(
    String(say(50e6, [LATEST, OLDEST])),
    /needs 100 MB on this device and the browser allows 50\.0 MB: .* Deleting oldest \(60\.0 MB\) in the Settings under “Stored models” makes room\.$/,
  );
  assert.match(
    String(say(15e6, [LATEST, OLDEST])),
    /Deleting oldest \(60\.0 MB\) and latest \(30\.0 MB\) .* makes room\.$/,
  );
});

test("models that would not be enough, or free nothing, are not said to make room", () => {
  assert.match(
    String(say(0, [LATEST])),
    /Deleting latest .* is not enough: free space on this device too\.$/,
  );
  assert.match(String(say(0, [{ name: "shared", bytes: 0 }])), /Free space on this device, or allow/);
});

test("storage that runs full names what can be deleted", () => {
  const full = new DOMException("no more", "QuotaExceededError");
  assert.match(
    storageFailed(full, [LATEST]),
    /ran full .* Free space on this device, or delete latest \(30\.0 MB\) in the Settings under “Stored models”\.$/,
  );
  assert.match(storageFailed(full, []), / Free space on this device\.$/);
  assert.match(
    storageFailed(new Error("broken disk"), [LATEST]),
    /failed \(Error: broken disk\)(?!.*latest)/,
  );
});
