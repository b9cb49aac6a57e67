// @ts-check
/** The death of a worker reaches the page through a lock. */

import assert from "node:assert/strict";
import { test } from "node:test";
import { holdLife, watchLife } from "../../web/worker-life.js";

/** One lock at a time, as the browser gives them; `release` is the death of its holder. */
class Locks {
  /** @type {(() => unknown)[]} */ waiting = [];
  held = false;
  /** @param {any[]} parameters */
  request(...parameters) {
    this.waiting.push(parameters.at(-1));
    this.grant();
    return new Promise(() => {});
  }
  grant() {
    const next = this.held ? undefined : this.waiting.shift();
    if (next === undefined) return;
    this.held = true;
    next();
  }
  release() {
    this.held = false;
    this.grant();
  }
}

test("the page hears of the worker's death, and not before", async () => {
  const locks = /** @type {any} */ (new Locks());
  await holdLife("w", locks);
  let deaths = 0;
  watchLife("w", () => deaths++, locks);
  assert.equal(deaths, 0);
  locks.release();
  assert.equal(deaths, 1);
});

test("a watch that was ended says nothing", async () => {
  const locks = /** @type {any} */ (new Locks());
  await holdLife("w", locks);
  let deaths = 0;
  watchLife("w", () => deaths++, locks)();
  locks.release();
  assert.equal(deaths, 0);
});

test("a browser without locks starts workers all the same", async () => {
  await holdLife("w", undefined);
  watchLife("w", () => assert.fail("nobody died"), undefined)();
});

test("a browser that refuses locks keeps no worker waiting, and nobody is told of a death", async () => {
  const request = () => Promise.reject(new DOMException("denied", "SecurityError"));
  const locks = /** @type {any} */ ({ request });
  await holdLife("w", locks);
  watchLife("w", () => assert.fail("it lives"), locks);
});
