// @ts-check
/** The meter asks once after a pause, and shows no answer to a question that is no longer asked. */

import assert from "node:assert/strict";
import test from "node:test";
import { createContextMeter } from "../../web/context-meter.js";

const request = { messages: [], enableThinking: true };

/** @typedef {import("../../web/protocol.js").Counted} Counted */

/** A client whose answers are given by hand. */
function slowClient() {
  /** @type {Array<{resolve: (counted: Counted) => void, reject: (error: Error) => void}>} */
  const questions = [];
  return {
    questions,
    countTokens() {
      return new Promise((/** @type {(counted: Counted) => void} */ resolve, reject) => {
        questions.push({ resolve, reject });
      });
    },
  };
}

const settled = () => new Promise((resolve) => setImmediate(resolve));

test("many changes in a row are one question", (t) => {
  t.mock.timers.enable({ apis: ["setTimeout"] });
  const client = slowClient();
  const meter = createContextMeter(
    () => ({ client, request }),
    () => {},
  );
  for (let i = 0; i < 5; i++) {
    meter.request();
    t.mock.timers.tick(100);
  }
  assert.equal(client.questions.length, 0);
  t.mock.timers.tick(200);
  assert.equal(client.questions.length, 1);
});

test("an answer that comes after a newer question is not shown", async (t) => {
  t.mock.timers.enable({ apis: ["setTimeout"] });
  const client = slowClient();
  /** @type {unknown[]} */
  const shown = [];
  const meter = createContextMeter(
    () => ({ client, request }),
    (counted) => shown.push(counted),
  );
  meter.request();
  t.mock.timers.tick(300);
  meter.request();
  t.mock.timers.tick(300);
  client.questions[1].resolve({ tokens: 2, contextSize: 9 });
  client.questions[0].resolve({ tokens: 1, contextSize: 9 });
  await settled();
  assert.deepEqual(shown, [{ tokens: 2, contextSize: 9 }]);
});

test("what cannot be counted is not known", async (t) => {
  t.mock.timers.enable({ apis: ["setTimeout"] });
  const client = slowClient();
  /** @type {unknown[]} */
  const shown = [];
  const meter = createContextMeter(
    () => ({ client, request }),
    (counted) => shown.push(counted),
  );
  meter.request();
  t.mock.timers.tick(300);
  client.questions[0].reject(new Error("no template"));
  await settled();
  assert.deepEqual(shown, [null]);
});

test("without anybody to ask, and after its end, it asks nothing", (t) => {
  t.mock.timers.enable({ apis: ["setTimeout"] });
  const client = slowClient();
  const nobody = createContextMeter(
    () => null,
    () => assert.fail("there is nothing to show"),
  );
  nobody.request();
  t.mock.timers.tick(300);
  const meter = createContextMeter(
    () => ({ client, request }),
    () => {},
  );
  meter.request();
  meter.stop();
  t.mock.timers.tick(300);
  assert.equal(client.questions.length, 0);
});
