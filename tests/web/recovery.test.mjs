// @ts-check
/** How often a lost model is loaded again, and what a person reads meanwhile. */

import assert from "node:assert/strict";
import { test } from "node:test";
import { RecoveryPolicy, recoveryNotice, SHORT_TIME_MS } from "../../web/recovery.js";

const LOST = { name: "DeviceLostError", message: "the GPU was lost (unknown): driver reset" };
const NO_MEMORY = { name: "DeviceMemoryError", message: "no room" };

test("one loss loads the model again as it was, another one soon takes WASM, a third is told", () => {
  const policy = new RecoveryPolicy("auto");
  assert.equal(policy.afterLoss(LOST, "webgpu", 0), "again");
  assert.equal(policy.afterLoss(LOST, "webgpu", 1000), "wasm");
  assert.equal(policy.afterLoss(LOST, "wasm", 2000), null);
});

test("a model that has worked for a while since its last loss is loaded again as at first", () => {
  const policy = new RecoveryPolicy("auto");
  for (const loadedAt of [0, 2 * SHORT_TIME_MS, 4 * SHORT_TIME_MS]) {
    policy.works(loadedAt);
    policy.works(loadedAt + SHORT_TIME_MS / 2); // goes on
    assert.equal(policy.afterLoss(LOST, "webgpu", loadedAt + SHORT_TIME_MS), "again");
  }
});

test("time in which it has come to nothing does not count, however long", () => {
  const policy = new RecoveryPolicy("auto");
  policy.works(0);
  assert.equal(policy.afterLoss(LOST, "webgpu", SHORT_TIME_MS), "again");
  assert.equal(policy.afterLoss(LOST, "webgpu", 10 * SHORT_TIME_MS), "wasm");
  assert.equal(policy.afterLoss(NO_MEMORY, "wasm", 20 * SHORT_TIME_MS), null);
});

test("a backend that was asked for is not exchanged", () => {
  for (const asked of /** @type {const} */ (["webgpu", "wasm"])) {
    const policy = new RecoveryPolicy(asked);
    assert.equal(policy.afterLoss(LOST, asked, 0), "again");
    assert.equal(policy.afterLoss(LOST, asked, 1000), null);
  }
});

test("a model that is lost whenever it loads is tried twice as it is, once on WASM, and no more", () => {
  const policy = new RecoveryPolicy("auto");
  const steps = [0, 1, 2, 3].map((at) => policy.afterLoss(LOST, null, at));
  assert.deepEqual(steps, ["again", "wasm", null, null]);
});

test("memory that is refused is a loss where the model ran before, and not where it never did", () => {
  assert.equal(new RecoveryPolicy("auto").afterLoss(NO_MEMORY, "wasm", 0), "again");
  assert.equal(new RecoveryPolicy("auto").afterLoss(NO_MEMORY, null, 0), null);
});

test("errors that would come again are no loss, and do not count as one", () => {
  const policy = new RecoveryPolicy("auto");
  for (const name of ["ContextOverflowError", "GrammarError", "SamplingError", "BackendError", "TypeError"]) {
    assert.equal(policy.afterLoss({ name }, "webgpu", 0), null);
  }
  assert.equal(policy.afterLoss(LOST, "webgpu", 1), "again");
});

test("a person reads what happened and what becomes of the answer; the error's own words are for developers", () => {
  const answering = { backend: /** @type {const} */ ("webgpu"), isAnswering: true };
  const idle = { ...answering, isAnswering: false };
  const notice = recoveryNotice({ ...LOST, detail: "at run" }, "again", answering);
  assert.match(notice.message, /^The GPU was lost\. The model is loaded again, and the answer goes on/);
  assert.equal(notice.detail, `${LOST.name}: ${LOST.message}\nat run`);
  assert.equal(recoveryNotice(LOST, "again", idle).message, "The GPU was lost. The model is loaded again.");
  assert.match(recoveryNotice(LOST, "again", { ...idle, backend: "wasm" }).message, /^The model stopped/);
  assert.match(recoveryNotice(LOST, "wasm", idle).message, /WebGPU failed again.*with WASM now/);
  assert.match(recoveryNotice(NO_MEMORY, "again", idle).message, /memory/);
});
