// @ts-check
/** What a chat begins with is read once, a while after it was last changed, and only until something is asked. */

import assert from "node:assert/strict";
import test from "node:test";
import { preface } from "../../web/chat-request.js";
import { emptyChat, reduceChat } from "../../web/chat-state.js";
import { createPreface } from "../../web/preface.js";

/** @typedef {import("../../web/chat-state.js").ChatEvent} ChatEvent */
/** @typedef {import("../../web/chat-state.js").ChatState} ChatState */

const TOOL = { type: /** @type {const} */ ("function"), function: { name: "clock", parameters: {} } };

/** Notes what it is asked to read. */
class Reader {
  /** @type {any[]} */ asked = [];
  /** @param {any} request */
  readPreface(request) {
    this.asked.push(request);
    return Promise.reject(new Error("no room"));
  }
}

/** @param {string} content */
const system = (content) => ({
  messages: [{ role: /** @type {const} */ ("system"), content }],
  enableThinking: true,
});

test("changes in a row are read as one, and what has been read is not read again", (t) => {
  t.mock.timers.enable({ apis: ["setTimeout"] });
  const client = new Reader();
  let wanted = system("B");
  const ahead = createPreface(() => ({ client, request: wanted }), 300);
  for (const text of ["Be", "Be br", "Be brief."]) {
    wanted = system(text);
    ahead.request();
    t.mock.timers.tick(100);
  }
  for (let times = 0; times < 3; times++) {
    ahead.request(); // something else has changed
    t.mock.timers.tick(200);
  }
  assert.deepEqual(client.asked, [system("Be brief.")]);
});

test("a question ends the wait, and another worker has read nothing yet", (t) => {
  t.mock.timers.enable({ apis: ["setTimeout"] });
  const [first, second] = [new Reader(), new Reader()];
  /** @type {Reader | null} */
  let client = first;
  const ahead = createPreface(() => client && { client, request: system("a") }, 300);
  ahead.request();
  client = null; // a question was asked
  ahead.request();
  t.mock.timers.tick(1000);
  client = second;
  ahead.request();
  t.mock.timers.tick(1000);
  assert.deepEqual([first.asked.length, second.asked.length], [0, 1]);
});

/**
 * @param {ChatEvent[]} events
 * @param {Partial<ChatState>} [changes]
 */
function after(events, changes = {}) {
  const ready = /** @type {any} */ ({ model: { thinking: true }, tools: [] });
  return events.reduce(reduceChat, { ...emptyChat(), phase: "ready", ready, ...changes });
}

test("system prompt and tools are read, alone and together, and nothing where there are none", () => {
  const tools = { enabled: ["clock"], own: [TOOL] };
  assert.equal(preface(after([])), null);
  assert.deepEqual(preface(after([], { system: "Be brief." })), { ...system("Be brief."), tools: [] });
  assert.deepEqual(preface(after([], { tools })), { messages: [], enableThinking: true, tools: [TOOL] });
  assert.equal(preface(after([], { tools, system: "Be brief." }))?.messages.length, 1);
});

test("where something has been said the cache holds it, and nothing is read ahead", () => {
  const said = after(
    [
      { kind: "question", text: "a" },
      { kind: "turn-started", id: 1 },
      { kind: "text", id: 1, text: "A", at: 1 },
      { kind: "done", id: 1, finishReason: "stop", usage: /** @type {any} */ ({}), at: 2 },
    ],
    { system: "Be brief." },
  );
  assert.equal(preface(said), null);
});
