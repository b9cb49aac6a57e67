// @ts-check
/** Bytes, speed and waiting of a load, by a clock of the test's; and the sentence about room. */

import assert from "node:assert/strict";
import { test } from "node:test";
import { stageSentence } from "../../web/sentences.js";
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
  const transfer = {
    loadedBytes: 50e6,
    totalBytes: 100e6,
    storedBytes: 0,
    bytesPerSecond: 2e6,
    reason: null,
  };
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
