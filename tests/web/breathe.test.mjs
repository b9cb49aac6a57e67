// @ts-check
import assert from "node:assert/strict";
import { test } from "node:test";
import { breathe } from "../../web/breathe.js";

// Node empties one port of up to 1000 messages before it looks at another; browsers go in order.
const MANY = 10_000;

/**
 * How many turns of a loop it takes until a message that is already posted arrives.
 * @param {() => Promise<void>} turn
 */
async function turnsUntilMessage(turn) {
  const { port1, port2 } = new MessageChannel();
  let arrived = false;
  port1.onmessage = () => {
    arrived = true;
  };
  port2.postMessage("stop");
  let turns = 0;
  while (!arrived && turns < MANY) {
    await turn();
    turns++;
  }
  port1.close();
  return turns;
}

test("a loop that breathes lets a message in", async () => {
  assert.ok((await turnsUntilMessage(breathe)) < MANY);
});

test("a loop of microtasks does not, so breathing is needed", async () => {
  assert.equal(await turnsUntilMessage(() => Promise.resolve()), MANY);
});

test("several waiting breaths all end", async () => {
  await Promise.all([breathe(), breathe(), breathe()]);
});
