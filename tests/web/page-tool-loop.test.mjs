// @ts-check
/** A turn with tools: calls are answered, results shown to the model, and it ends: by itself, at a limit, or stopped. */

import assert from "node:assert/strict";
import test from "node:test";
import { MAX_TOOL_ROUNDS, OUT_OF_ROUNDS, ToolLoop } from "../../web/tool-loop.js";

/** @typedef {import("../../web/tool-loop.js").TurnLoopEvent} TurnLoopEvent */

const USAGE = /** @type {any} */ ({
  promptTokens: 10,
  reasoningTokens: 2,
  answerTokens: 3,
  prefillMs: 1,
  decodeMs: 4,
  reasoningCut: false,
});
const CALL = { kind: "toolCall", id: 1, name: "calculator", arguments: { expression: "27 * 38" } };
const DONE = { kind: "done", id: 1, finishReason: "stop", usage: USAGE };

/**
 * A client that plays these replies, one after the other, the last for ever.
 * @param {any[][]} replies
 * @param {(request: any) => Promise<string | null>} [runTool]
 */
function playing(replies, runTool = async () => "1026") {
  /** @type {any[]} */
  const asked = [];
  const generate = (/** @type {any} */ request) => {
    asked.push(request);
    const events = replies[Math.min(asked.length, replies.length) - 1];
    let cancelled = false;
    return {
      async *[Symbol.asyncIterator]() {
        for (const event of events) {
          if (event.kind === "done") yield cancelled ? { ...event, finishReason: "abort" } : event;
          else if (!cancelled) yield event;
        }
      },
      cancel: () => {
        cancelled = true;
      },
    };
  };
  return { asked, client: { generate, runTool } };
}

const REQUEST = {
  messages: [{ role: /** @type {const} */ ("user"), content: "?" }],
  sampling: {},
  tools: [],
};

/**
 * @param {ToolLoop} loop
 * @param {(event: TurnLoopEvent) => void} [onEvent]
 * @returns {Promise<any[]>}
 */
async function all(loop, onEvent) {
  const events = [];
  for await (const event of loop) {
    events.push(event);
    onEvent?.(event);
  }
  return events;
}

test("a reply without calls is the turn", async () => {
  const { asked, client } = playing([[{ kind: "text", id: 1, text: "4" }, DONE]]);
  const events = await all(new ToolLoop(client, REQUEST));
  assert.deepEqual(
    events.map(({ kind }) => kind),
    ["text", "done"],
  );
  assert.equal(asked.length, 1);
});

test("the model is shown its call and the result, and what both replies took is added", async () => {
  const { asked, client } = playing([
    [{ kind: "reasoning", id: 1, text: "hm" }, CALL, DONE],
    [{ kind: "text", id: 1, text: "1026" }, DONE],
  ]);
  const events = await all(new ToolLoop(client, REQUEST));
  assert.deepEqual(
    events.map(({ kind }) => kind),
    ["reasoning", "toolCall", "toolResult", "roundEnded", "text", "done"],
  );
  assert.deepEqual(asked[1].messages.slice(1), [
    {
      role: "assistant",
      content: "",
      reasoning_content: "hm",
      tool_calls: [
        { type: "function", function: { name: "calculator", arguments: { expression: "27 * 38" } } },
      ],
    },
    { role: "tool", content: "1026" },
  ]);
  assert.deepEqual([events.at(-1).usage.answerTokens, events.at(-1).usage.promptTokens], [6, 10]);
});

test("a broken call stays as the text that it is, and the model is told", async () => {
  const broken = { kind: "toolCall", id: 1, text: "{", problem: "It is not JSON." };
  const { asked, client } = playing([[broken, DONE], [DONE]], async ({ call }) => call.problem);
  await all(new ToolLoop(client, REQUEST));
  assert.deepEqual(asked[1].messages.slice(1), [
    { role: "assistant", content: "{" },
    { role: "tool", content: "It is not JSON." },
  ]);
});

test("a model that calls for ever is told to answer, then cut off", async () => {
  const { asked, client } = playing([[CALL, DONE]]);
  const events = await all(new ToolLoop(client, REQUEST));
  assert.equal(asked.length, MAX_TOOL_ROUNDS + 2);
  const results = events.filter(({ kind }) => kind === "toolResult").map(({ content }) => content);
  assert.deepEqual(results, [...Array(MAX_TOOL_ROUNDS).fill("1026"), OUT_OF_ROUNDS]);
  assert.equal(events.at(-1).finishReason, "length");
});

test("a person answers the call of their own tool", async () => {
  const { asked, client } = playing([[CALL, DONE], [DONE]], async () => null);
  const loop = new ToolLoop(client, REQUEST);
  const events = await all(loop, (event) => {
    if (event.kind === "toolAsked") loop.answerCall("sunny");
  });
  assert.deepEqual(
    events.map(({ kind }) => kind),
    ["toolCall", "toolAsked", "toolResult", "roundEnded", "done"],
  );
  assert.equal(asked[1].messages.at(-1).content, "sunny");
});

test("stopping ends a turn that waits for a person", async () => {
  const { asked, client } = playing([[CALL, DONE]], async () => null);
  const loop = new ToolLoop(client, REQUEST);
  const events = await all(loop, (event) => {
    if (event.kind === "toolAsked") loop.cancel();
  });
  assert.equal(events.at(-1).finishReason, "abort");
  assert.equal(asked.length, 1);
});

test("stopping between two rounds asks the model nothing more", async () => {
  const { asked, client } = playing([[CALL, DONE]]);
  const loop = new ToolLoop(client, REQUEST);
  const events = await all(loop, (event) => {
    if (event.kind === "toolResult") loop.cancel();
  });
  assert.equal(events.at(-1).finishReason, "abort");
  assert.equal(asked.length, 1);
});

test("a tool that cannot be run fails the turn", async () => {
  const { client } = playing([[CALL, DONE]], async () => Promise.reject(new Error("no")));
  await assert.rejects(all(new ToolLoop(client, REQUEST)), { message: "no" });
});

test("what is told again after an interruption counts once", async () => {
  const { asked, client } = playing([
    [
      { kind: "reasoning", id: 1, text: "hmm" },
      { kind: "text", id: 1, text: "Let me" },
      CALL,
      { kind: "cutBack", reasoning: 2, answer: 0, calls: 0 },
      { kind: "reasoning", id: 1, text: "m" },
      CALL,
      DONE,
    ],
    [DONE],
  ]);
  await all(new ToolLoop(client, REQUEST));
  const [, reply, ...results] = asked[1].messages;
  assert.deepEqual([reply.content, reply.reasoning_content, reply.tool_calls.length], ["", "hmm", 1]);
  assert.equal(results.length, 1);
});

test("a reply that was stopped while no worker was there ends the turn without figures", async () => {
  const { asked, client } = playing([[{ kind: "stopped" }]]);
  const events = await all(new ToolLoop(client, REQUEST));
  assert.deepEqual([events, asked.length], [[{ kind: "stopped" }], 1]);
});

test("stopping does not wait for a tool that does not come back", async () => {
  const { client } = playing([[CALL, DONE]], () => new Promise(() => {}));
  const loop = new ToolLoop(client, REQUEST);
  setTimeout(() => loop.cancel(), 1);
  assert.equal((await all(loop)).at(-1).finishReason, "abort");
});
