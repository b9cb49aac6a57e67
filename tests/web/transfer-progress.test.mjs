// @ts-check
/** Bytes, speed and waiting of a load, by a clock of the test's; and the sentence about room. */

import assert from "node:assert/strict";
import { test } from "node:test";
import { stageSentence } from "../../web/sentences.js";
import { noRoom } from "../../web/storage-room.js";
import { TransferProgress } from "../../web/transfer-progress.js";

function clocked() {
  const clock = { now: 0 };
  return { clock, progress: new TransferProgress(100e6, () => clock.now) };
}

test("speed is of the last seconds and of the network alone", () => {
  const { clock, progress } = clocked();
  progress.addStored(40e6);
  for (let second = 0; second < 10; second++) {
    clock.now = second * 1000;
    progress.addFetched(2e6);
  }
  const { loadedBytes, storedBytes, bytesPerSecond, secondsLeft } = progress.snapshot();
  assert.deepEqual([loadedBytes, storedBytes], [60e6, 40e6]);
  assert.equal(bytesPerSecond, 2.5e6); // five arrivals in the last four seconds
  assert.equal(secondsLeft, 16);
  clock.now = 20_000;
  assert.equal(progress.snapshot().bytesPerSecond, null);
});

test("a wait is named when it lasts and nothing else is fetched", () => {
  const { clock, progress } = clocked();
  const [one, other] = [{}, {}];
  progress.set(one, "another-tab");
  assert.equal(progress.snapshot().waitingFor, null);
  clock.now = 600;
  assert.equal(progress.snapshot().waitingFor, "another-tab");
  progress.set(other, "fetching");
  assert.equal(progress.snapshot().waitingFor, null);
});

test("the page says speed, time left and what it waits for", () => {
  const transfer = { loadedBytes: 50e6, totalBytes: 100e6, storedBytes: 0, bytesPerSecond: 2e6 };
  const say = (/** @type {"connection" | "another-tab" | null} */ waitingFor) =>
    stageSentence("weights", {
      stage: "weights",
      loadedBytes: 50e6,
      totalBytes: 100e6,
      transfer: { ...transfer, secondsLeft: 24.2, waitingFor },
    });
  assert.equal(say(null), "Fetching the model's weights: 50.0 of 100 MB, 2.0 MB/s, 25 s left.");
  assert.match(say("another-tab"), /another tab fetches it, and this one waits\.$/);
  assert.match(say("connection"), /the connection broke off and is tried again\.$/);
});

test("a model that does not fit is told with what can be deleted", () => {
  const entry = (/** @type {string} */ sha256, /** @type {number} */ bytes) => ({ file: "w", bytes, sha256 });
  const sizes = new Map([
    ["a", 40e6],
    ["old", 60e6],
  ]);
  const entries = [entry("a", 50e6), entry("b", 90e6)];
  assert.equal(noRoom(entries, sizes, { quota: 200e6, usage: 100e6 }), null);
  assert.match(
    String(noRoom(entries, sizes, { quota: 150e6, usage: 100e6 })),
    /needs 100 MB on this device and the browser allows 50\.0 MB: .*Other models take 60\.0 MB here: .* makes room\./,
  );
});
