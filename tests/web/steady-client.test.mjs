// @ts-check
/** A client goes on in another worker after a loss, whatever it was doing, and only after a loss. */

import assert from "node:assert/strict";
import { test } from "node:test";
import { SteadyClient } from "../../web/steady-client.js";

const LOST = Object.assign(new Error("gone"), { name: "DeviceLostError" });
const REQUEST = { messages: [], sampling: { seed: 3 } };
const DONE = { kind: "done", id: 1, finishReason: "stop", usage: {} };

/** A worker's client whose answers a test writes; `events` end in an error, or with `done`. */
class FakeClient {
  /** @type {any[]} */ asked = [];
  /** @type {any} */ loadOptions = null;
  closed = false;
  /** @type {(error: Error) => void} */ lose = () => {};
  /** @type {Promise<Error>} */
  lost = new Promise((resolve) => {
    this.lose = resolve;
  });
  /** @type {() => void} */ release = () => {};

  /** @param {{backend?: string, events?: any[], fails?: Error, held?: boolean, runTool?: () => Promise<string>}} script */
  constructor(script) {
    this.script = script;
    this.held = script.held ? new Promise((resolve) => (this.release = () => resolve(undefined))) : null;
  }

  /** @param {any} options */
  async load(options) {
    this.loadOptions = options;
    await this.held;
    if (this.closed) throw Object.assign(new Error("closed"), { name: "WorkerError" });
    if (this.script.fails) throw this.script.fails;
    return /** @type {any} */ ({ backend: { name: this.script.backend ?? "wasm" } });
  }

  /** @param {any} request */
  generate(request) {
    this.asked.push(request);
    const { events = [DONE] } = this.script;
    const isCancelled = () => this.cancelled;
    return {
      cancel: () => {
        this.cancelled = true;
      },
      async *[Symbol.asyncIterator]() {
        for (const event of events) {
          if (event instanceof Error) throw event;
          yield isCancelled() && event.kind === "done" ? { ...event, finishReason: "abort" } : event;
        }
      },
    };
  }
  cancelled = false;

  runTool = () => this.script.runTool?.() ?? Promise.resolve("4");
  countTokens = async () => ({ tokens: 1, contextSize: 2 });
  checkFormat = async () => /** @type {const} */ (true);
  cancelLoad() {}
  close() {
    this.closed = true;
    this.release();
  }
}

/**
 * @param {ConstructorParameters<typeof FakeClient>[0][]} scripts  of the clients, in the order in which they start
 * @param {"auto" | "wasm"} [backend]
 */
function start(scripts, backend = "wasm") {
  /** @type {FakeClient[]} */
  const clients = [];
  /** @type {string[]} */
  const told = [];
  const client = new SteadyClient(
    () => {
      assert.ok(
        clients.every(({ closed }) => closed),
        "two workers at once",
      );
      clients.push(new FakeClient(scripts[clients.length]));
      return /** @type {any} */ (clients.at(-1));
    },
    { bundleUrl: "http://site/", backend },
    {
      progress: () => {},
      ready: (_ready, before) => told.push(before ? "ready again" : "ready"),
      lost: (error, step) => told.push(`${error.name}: ${step}`),
      failed: (error) => told.push(`failed: ${error.message}`),
    },
  );
  return { client, clients, told };
}

/** @param {AsyncIterable<any>} generation */
async function collect(generation) {
  const events = [];
  for await (const event of generation) events.push(event);
  return events;
}

const settle = () => new Promise((resolve) => setTimeout(resolve, 1));

test("a reply goes on from its tokens, with its seed, in the next worker", async () => {
  const first = { kind: "text", id: 1, text: "ab" };
  const second = { kind: "text", id: 1, text: "c", said: [7] };
  const { client, clients, told } = start([{ events: [first, second, LOST] }, { events: [second, DONE] }]);
  const events = await collect(client.generate({ ...REQUEST, sampling: { temperature: 1 } }));
  const cut = { kind: "cutBack", reasoning: 0, answer: 2, calls: 0 };
  assert.deepEqual(events, [first, second, cut, second, DONE]);
  const [[before], [after]] = clients.map(({ asked }) => asked);
  assert.deepEqual(after, { ...before, said: [7] });
  assert.ok(Number.isInteger(before.sampling.seed));
  assert.deepEqual(told, ["ready", "DeviceLostError: again", "ready again"]);
});

test("a loss that is told while nothing runs is mended at once, and the next reply comes", async () => {
  const { client, clients, told } = start([{}, {}]);
  await settle();
  clients[0].lose(LOST);
  await settle();
  assert.deepEqual(told, ["ready", "DeviceLostError: again", "ready again"]);
  assert.deepEqual(await collect(client.generate(REQUEST)), [DONE]);
  assert.equal(clients[1].asked.length, 1);
});

test("a loss that a reply and the client tell of is one loss", async () => {
  const { client, clients, told } = start([{ events: [LOST] }, {}]);
  await settle();
  const events = collect(client.generate(REQUEST));
  clients[0].lose(LOST);
  assert.equal((await events).at(-1), DONE);
  assert.equal(told.filter((each) => each.startsWith("DeviceLostError")).length, 1);
});

test("a call that a loss interrupts is run again", async () => {
  const { client } = start([{ runTool: () => Promise.reject(LOST) }, {}]);
  assert.equal(await client.runTool({ call: { name: "add", arguments: {} }, tools: [] }), "4");
});

test("a loss while loading loads again", async () => {
  const { client, told } = start([{ fails: LOST }, {}]);
  assert.deepEqual(await collect(client.generate(REQUEST)), [DONE]);
  assert.deepEqual(told, ["DeviceLostError: again", "ready"]);
});

test("what would come again is not tried again", async () => {
  const overflow = Object.assign(new Error("too long"), { name: "ContextOverflowError" });
  const { client, clients, told } = start([{ events: [overflow] }]);
  await assert.rejects(collect(client.generate(REQUEST)), overflow);
  assert.deepEqual([clients.length, clients[0].closed, told], [1, false, ["ready"]]);
});

test("a load that fails is told and fails what waits for it", async () => {
  const missing = Object.assign(new Error("no manifest"), { name: "ManifestError" });
  const { client, told } = start([{ fails: missing }]);
  await assert.rejects(collect(client.generate(REQUEST)), missing);
  assert.deepEqual(told, ["failed: no manifest"]);
});

test("a second loss within a minute goes to WASM where the backend is left to the page", async () => {
  const { client, clients, told } = start(
    [{ backend: "webgpu", events: [LOST] }, { backend: "webgpu", events: [LOST] }, {}],
    "auto",
  );
  await collect(client.generate(REQUEST));
  assert.deepEqual(
    clients.map(({ loadOptions }) => loadOptions.avoidWebGpu),
    [undefined, undefined, "WebGPU failed twice in a row"],
  );
  assert.deepEqual(told.slice(3), ["DeviceLostError: wasm", "ready again"]);
});

test("else it is told, no worker is left, and a new reply fails", async () => {
  const { client, clients, told } = start([{ events: [LOST] }, { events: [LOST] }]);
  const waiting = collect(client.generate(REQUEST));
  await settle();
  assert.equal(told.at(-1), "failed: gone");
  assert.ok(clients.every(({ closed }) => closed));
  await assert.rejects(collect(client.generate(REQUEST)), LOST);
  client.close();
  await assert.rejects(waiting, LOST);
});

test("a reply that was given up goes on from its tokens when it is loaded again, however often that fails", async () => {
  const said = { kind: "text", id: 1, text: "c", said: [7] };
  const fails = Object.assign(new Error("offline"), { name: "PartMissingError" });
  const { client, clients, told } = start([
    { events: [said, LOST] },
    { events: [LOST] },
    { fails },
    { events: [LOST] },
    {},
  ]);
  const telling = collect(client.generate(REQUEST));
  await settle();
  client.loadAgain();
  await settle();
  assert.deepEqual(told.slice(-2), ["failed: gone", "failed: offline"]);
  client.loadAgain();
  assert.deepEqual((await telling).at(-1), DONE);
  assert.deepEqual(clients[4].asked, [{ ...REQUEST, said: [7] }]);
  assert.deepEqual(told.slice(-3), ["ready again", "DeviceLostError: again", "ready again"]);
});

test("a call that was given up is run when it is loaded again", async () => {
  const lose = { runTool: () => Promise.reject(LOST) };
  const { client } = start([lose, lose, {}]);
  const result = client.runTool({ call: { name: "add", arguments: {} }, tools: [] });
  await settle();
  client.loadAgain();
  assert.equal(await result, "4");
});

test("a reply that was given up can be stopped", async () => {
  const { client } = start([{ events: [LOST] }, { events: [LOST] }]);
  const generation = client.generate(REQUEST);
  const telling = collect(generation);
  await settle();
  generation.cancel();
  assert.equal((await telling).at(-1).kind, "stopped");
});

test("memory that stays refused fails the reply, and leaves the model as it is", async () => {
  const full = Object.assign(new Error("no room"), { name: "DeviceMemoryError" });
  const { client, clients, told } = start([{ events: [full] }, { events: [full] }]);
  await assert.rejects(collect(client.generate(REQUEST)), full);
  assert.deepEqual(told, ["ready", "DeviceMemoryError: again", "ready again"]);
  assert.equal(clients[1].closed, false);
});

test("a reply that is stopped while a worker loads ends at once", async () => {
  const { client, clients } = start([{ events: [{ kind: "text", id: 1, text: "a" }, LOST] }, { held: true }]);
  const generation = client.generate(REQUEST);
  const events = [];
  for await (const event of generation) {
    events.push(event.kind);
    if (event.kind === "cutBack") generation.cancel();
  }
  assert.deepEqual(events, ["text", "cutBack", "stopped"]);
  assert.equal(clients[1].asked.length, 0);
});

test("a stop before the worker is asked ends the reply there", async () => {
  const { client } = start([{}]);
  await settle();
  const generation = client.generate(REQUEST);
  generation.cancel();
  assert.equal((await collect(generation)).at(-1).finishReason, "abort");
});

test("closing ends the worker, fails what waits, and tells nobody", async () => {
  const { client, clients, told } = start([{ held: true }]);
  const waiting = collect(client.generate(REQUEST));
  client.close();
  await assert.rejects(waiting, { name: "WorkerError" });
  assert.deepEqual([clients[0].closed, told], [true, []]);
});

test("losses that come late in loading and in reading again are given up too", async (t) => {
  let now = 0;
  t.mock.method(Date, "now", () => {
    now += 70_000; // every loss comes more than a minute after the last
    return now;
  });
  const memory = Object.assign(new Error("no room"), { name: "DeviceMemoryError" });
  const reading = { events: [memory] };
  const answering = start([reading, reading, reading, reading], "auto");
  await assert.rejects(collect(answering.client.generate(REQUEST)), memory);
  assert.ok(answering.clients.length <= 3);
  const breaking = { runTool: () => Promise.reject(LOST) };
  const calling = start([breaking, breaking, breaking, breaking], "auto");
  calling.client.runTool({ call: { name: "add", arguments: {} }, tools: [] }).catch(() => {});
  await settle();
  assert.equal(calling.told.at(-1), "failed: gone");
  const loading = start([{}, { fails: LOST }, { fails: LOST }, { fails: LOST }], "auto");
  await settle();
  loading.clients[0].lose(LOST);
  await settle();
  assert.equal(loading.told.at(-1), "failed: gone");
});
