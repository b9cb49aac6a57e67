// @ts-check
import assert from "node:assert/strict";
import { afterEach, test } from "node:test";
import { PagelmClient } from "../../web/client.js";

/** @type {MessagePort[]} */
let ports = [];
afterEach(() => {
  for (const port of ports) port.close();
  ports = [];
});

/**
 * A client and the worker's end of its channel.
 * @param {(message: any, reply: (message: object) => void) => void} answer
 */
function connect(answer) {
  const { port1, port2 } = new MessageChannel();
  ports.push(port1, port2);
  /** @type {any[]} */
  const received = [];
  port2.onmessage = ({ data }) => {
    received.push(data);
    answer(data, (message) => port2.postMessage({ id: data.id, ...message }));
  };
  return { client: new PagelmClient(port1), received, port: port2 };
}

const generateOptions = { messages: [], enableThinking: true, sampling: {} };
const usage = { promptTokens: 1 };

test("load resolves with ready after its progress was reported", async () => {
  const loaded = {
    model: { name: "pico" },
    backend: { name: "wasm" },
    keyValues: { maxPositions: 9 },
    tools: [],
    store: { place: "device" },
  };
  const { client } = connect((_message, reply) => {
    reply({ kind: "progress", stage: "weights", loadedBytes: 1, totalBytes: 2 });
    reply({ kind: "ready", ...loaded });
  });
  /** @type {string[]} */
  const stages = [];
  const ready = await client.load({ bundleUrl: "http://site/models/pico/", backend: "auto" }, ({ stage }) =>
    stages.push(stage),
  );
  assert.deepEqual(stages, ["weights"]);
  assert.deepEqual(ready, loaded);
});

test("an error keeps the name, message and detail it had in the worker", async () => {
  const error = {
    name: "PartAlteredError",
    message: "weights/000.bin arrived short",
    detail: "at fetchInto",
  };
  const { client } = connect((_message, reply) => reply({ kind: "error", error }));
  await assert.rejects(client.load({ bundleUrl: "http://site/", backend: "wasm" }), {
    name: error.name,
    message: error.message,
    detail: error.detail,
  });
});

test("a generation yields its events in order and ends with done", async () => {
  const { client } = connect((_message, reply) => {
    reply({ kind: "reasoning", text: "2+2" });
    reply({ kind: "text", text: "4" });
    reply({ kind: "done", finishReason: "stop", usage });
  });
  const kinds = [];
  for await (const event of client.generate(generateOptions)) kinds.push(event.kind);
  assert.deepEqual(kinds, ["reasoning", "text", "done"]);
});

test("two generations at once get only their own events", async () => {
  const { client } = connect((message, reply) => {
    reply({ kind: "text", text: String(message.messages.length) });
    reply({ kind: "done", finishReason: "stop", usage });
  });
  const texts = await Promise.all(
    [0, 3].map(async (count) => {
      let text = "";
      const messages = Array(count).fill({ role: "user", content: "" });
      for await (const event of client.generate({ ...generateOptions, messages })) {
        if (event.kind === "text") text += event.text;
      }
      return text;
    }),
  );
  assert.deepEqual(texts, ["0", "3"]);
});

test("cancel names the generate it is for, and done still arrives", async () => {
  /** @type {(message: object) => void} */
  let replyToGenerate = () => {};
  const { client, received } = connect((message, reply) => {
    if (message.kind === "generate") replyToGenerate = reply;
    if (message.kind === "cancel") replyToGenerate({ kind: "done", finishReason: "abort", usage });
  });
  const generation = client.generate(generateOptions);
  generation.cancel();
  assert.equal((await generation.done).finishReason, "abort");
  assert.deepEqual(
    received.map(({ kind, target }) => [kind, target]),
    [
      ["generate", undefined],
      ["cancel", received[0].id],
    ],
  );
});

test("leaving the loop early cancels the generation", async () => {
  const { client, received } = connect((message, reply) => {
    if (message.kind === "generate") reply({ kind: "text", text: "a" });
    if (message.kind === "statistics") reply({ kind: "statistics", statistics: {} });
  });
  for await (const _event of client.generate(generateOptions)) break;
  await client.statistics();
  assert.deepEqual(
    received.map(({ kind }) => kind),
    ["generate", "cancel", "statistics"],
  );
});

test("a finished generation sends no cancel", async () => {
  const { client, received } = connect((message, reply) => {
    if (message.kind === "generate") reply({ kind: "done", finishReason: "stop", usage });
    if (message.kind === "statistics") reply({ kind: "statistics", statistics: {} });
  });
  const generation = client.generate(generateOptions);
  for await (const _event of generation);
  generation.cancel();
  await client.statistics();
  assert.deepEqual(
    received.map(({ kind }) => kind),
    ["generate", "statistics"],
  );
});

test("an error in a generation is raised where it is iterated", async () => {
  const { client } = connect((_message, reply) => {
    reply({ kind: "text", text: "a" });
    reply({ kind: "error", error: { name: "DeviceLostError", message: "gone" } });
  });
  const generation = client.generate(generateOptions);
  await assert.rejects(
    async () => {
      for await (const _event of generation);
    },
    { name: "DeviceLostError", message: "gone" },
  );
  await assert.rejects(generation.done, { name: "DeviceLostError" });
});

test("close fails what is open and all that comes after", async () => {
  const { client } = connect(() => {});
  const open = client.statistics();
  client.close();
  await assert.rejects(open, { name: "WorkerError" });
  await assert.rejects(client.statistics(), { name: "WorkerError" });
});

test("a worker that breaks fails every open request by name", async () => {
  /** @type {Record<string, (event: any) => void>} */
  const listeners = {};
  const client = new PagelmClient({
    postMessage() {},
    addEventListener: (type, listener) => {
      listeners[type] = listener;
    },
    removeEventListener() {},
  });
  const open = [
    client.load({ bundleUrl: "http://site/", backend: "auto" }),
    client.generate(generateOptions).done,
  ];
  listeners.error({ message: "SyntaxError: x", filename: "worker.js", lineno: 3 });
  for (const promise of open) {
    await assert.rejects(promise, { name: "WorkerError", message: /worker\.js:3: SyntaxError: x/ });
  }
});

test("a loss that the worker tells of fails what is open and all that comes after, and is told", async () => {
  const { client } = connect((message, reply) => {
    if (message.kind === "generate")
      reply({ kind: "lost", error: { name: "DeviceLostError", message: "gone" } });
  });
  const lost = { name: "DeviceLostError", message: "gone" };
  await assert.rejects(client.generate(generateOptions).done, lost);
  await assert.rejects(client.statistics(), lost);
  assert.equal((await client.lost).name, "DeviceLostError");
});

test("closing a worker is no loss", async () => {
  const { client } = connect(() => {});
  client.close();
  const nothing = new Promise((resolve) => setTimeout(resolve, 5, "nothing"));
  assert.equal(await Promise.race([client.lost, nothing]), "nothing");
});

test("tokens can be counted while a generation runs", async () => {
  const { client } = connect((message, reply) => {
    if (message.kind === "count") reply({ kind: "counted", tokens: 12, contextSize: 512 });
  });
  void client.generate(generateOptions);
  assert.deepEqual(await client.countTokens({ messages: [], enableThinking: false }), {
    tokens: 12,
    contextSize: 512,
  });
});

test("what a chat begins with is read, or the named error says why not", async () => {
  const { client } = connect((message, reply) => {
    if (message.kind !== "preface") return;
    if (message.messages.length > 0) reply({ kind: "prefaceRead" });
    else reply({ kind: "error", error: { name: "ContextOverflowError", message: "too long" } });
  });
  const system = { role: /** @type {const} */ ("system"), content: "Be brief." };
  assert.equal(await client.readPreface({ messages: [system], enableThinking: true }), true);
  await assert.rejects(client.readPreface({ messages: [], enableThinking: true }), {
    name: "ContextOverflowError",
  });
});

test("a call is run with the tools that were offered, and may be a person's to answer", async () => {
  const { client } = connect((message, reply) => {
    if (message.kind === "runTool") {
      reply({ kind: "toolResult", content: message.tools.length ? message.call.name : null });
    }
  });
  const call = { name: "add", arguments: { a: 1 } };
  const tool = { type: /** @type {const} */ ("function"), function: { name: "add", parameters: {} } };
  assert.equal(await client.runTool({ call, tools: [tool] }), "add");
  assert.equal(await client.runTool({ call, tools: [] }), null);
});

test("a form that no answer can have is an error of its name", async () => {
  const { client } = connect((message, reply) => {
    if (message.kind !== "checkFormat") return;
    if (message.responseFormat.type === "regex") reply({ kind: "formatChecked" });
    else reply({ kind: "error", error: { name: "GrammarError", message: "#/not is not supported" } });
  });
  assert.equal(await client.checkFormat({ type: "regex", pattern: "a" }), true);
  await assert.rejects(client.checkFormat({ type: "json_schema", schema: {} }), { name: "GrammarError" });
});
