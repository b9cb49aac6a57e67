// @ts-check
import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { beforeEach, test } from "node:test";
import { openBundle } from "../../web/bundle-store.js";
import { listStoredModels } from "../../web/model-store.js";
import { openStoreFolder } from "../../web/part-files.js";
import { FakeStorage } from "./fake-storage.mjs";
import { GRAPH, MODEL } from "./manifest-fields.mjs";

const FOLDER = "http://site/m/";
/** @type {(message: {data: object}) => void} */
let order;
/** @type {(message: any) => void} */
let answered = () => {};
const scope = /** @type {any} */ (globalThis);
scope.addEventListener = (/** @type {string} */ _, /** @type {typeof order} */ listener) =>
  (order = listener);
/** @type {(transfer: import("../../web/protocol.js").Transfer) => void} */
let progressed = () => {};
scope.postMessage = (/** @type {any} */ message) =>
  message.kind === "progress" ? progressed(message.transfer) : answered(message);
scope.location = { origin: "http://site" };
await import("../../web/store-worker.js");

/** @type {FakeStorage} */
let storage;
/** @type {Map<string, Uint8Array<ArrayBuffer> | string>} */
let served;
/** @type {"up" | "down" | string} what a part's name contains that breaks */
let host = "up";
/** @type {(path: string) => Response} */
let broken;

scope.fetch = async (/** @type {string} */ url) => {
  if (host === "down") throw new TypeError("Failed to fetch");
  const path = url.slice(FOLDER.length);
  if (path.includes(host)) return broken(path);
  const body = served.get(path);
  return body === undefined ? new Response("", { status: 404 }) : new Response(body);
};

beforeEach(() => {
  storage = new FakeStorage();
  storage.install();
  served = new Map();
  host = "up";
});

/** @param {string} name @param {string} text */
function serve(name, text) {
  const bytes = new TextEncoder().encode(text);
  const sha256 = createHash("sha256").update(bytes).digest("hex");
  const file = `${name}.${sha256.slice(0, 16)}.bin`;
  served.set(file, bytes);
  return { file, bytes: bytes.length, sha256 };
}

/** @param {string} name @param {string[]} weights */
function publish(name, weights) {
  const parts = weights.map((text, index) => serve(`weights${index}`, text));
  const manifest = {
    format: 1,
    name,
    model: MODEL,
    thinking: false,
    generation: {},
    tokenizer: serve("tokenizer", "t"),
    chat_template: serve("template", "x"),
    weights: { bytes: parts.reduce((sum, { bytes }) => sum + bytes, 0), parts },
    graphs: {
      wasm: { ...GRAPH, ...serve("wasm", "graph") },
      webgpu: { ...GRAPH, ...serve("webgpu", "GRAPH") },
    },
    quantization: { method: "rtn", bits: 4, head_bits: 4, block_size: 32, symmetric: true },
  };
  served.set("manifest.json", JSON.stringify(manifest));
}

/** @type {import("../../web/bundle-store.js").Obtain} */
const obtain = (sent) =>
  new Promise((resolve, reject) => {
    answered = ({ kind, obtained, error }) => (kind === "files" ? resolve(obtained) : reject(error));
    order({ data: { kind: "obtain", order: { ...sent, retry: { attempts: 1, delayMs: 1 } } } });
  });

const open = () => openBundle(FOLDER, { obtain });

async function load(graph = "wasm") {
  const bundle = await open();
  const { weights, store } = await bundle.fetchAll(bundle.graph(graph));
  return `${bundle.manifest.name}: ${new TextDecoder().decode(weights)}, ${store.place}`;
}

/** @param {(path: string) => Response} answer */
async function failToUpdate(answer) {
  publish("second", ["ONE ", "TWO "]);
  host = "weights1";
  broken = answer;
  await assert.rejects(load(), { name: "PartMissingError" });
}

const missing = () => new Response("", { status: 404 });
const cut = () =>
  new Response(
    new ReadableStream({
      pull(controller) {
        if (cut.sent) return controller.error(new TypeError("network error"));
        cut.sent = true;
        controller.enqueue(new TextEncoder().encode("TW"));
      },
    }),
  );
cut.sent = false;

for (const [how, answer] of /** @type {[string, typeof missing][]} */ ([
  ["lacks a part", missing],
  ["is cut", cut],
]))
  test(`an update that ${how} leaves the kept model of use, and goes on later`, async () => {
    publish("first", ["one ", "two "]);
    await load();
    await failToUpdate(answer);
    const [{ name, isComplete, storedBytes, totalBytes }] = (await listStoredModels()).models;
    assert.deepEqual({ name, isComplete }, { name: "first", isComplete: true });
    assert.ok(storedBytes < totalBytes, `${storedBytes} of ${totalBytes}`);
    host = "down";
    assert.equal(await load(), "first: one two , device");
    assert.ok((await storage.contents("parts")).includes("ONE "), "what has come of the update stays");

    host = "up";
    served.delete([...served.keys()].find((path) => path.startsWith("weights0") && isOf(path, "ONE ")) ?? "");
    assert.equal(await load(), "second: ONE TWO , device");
    assert.deepEqual(await storage.contents("parts"), ["ONE ", "TWO ", "graph", "t", "x"]);
    host = "down";
    assert.equal(await load(), "second: ONE TWO , device");
  });

/** @param {string} path @param {string} text */
const isOf = (path, text) => new TextDecoder().decode(/** @type {Uint8Array} */ (served.get(path))) === text;

test("a first load that is cut, and then a newer version, keep only the newer one", async () => {
  publish("first", ["one ", "two "]);
  host = "weights1";
  broken = missing;
  await assert.rejects(load());
  assert.equal((await listStoredModels()).models[0].isComplete, false);
  publish("second", ["ONE ", "TWO "]);
  host = "up";
  await load();
  assert.deepEqual(await storage.contents("parts"), ["ONE ", "TWO ", "graph", "t", "x"]);
});

test("graphs of one version are kept side by side, and a graph alone replaces no version", async () => {
  publish("first", ["one ", "two "]);
  await load();
  await load("webgpu");
  assert.equal((await listStoredModels()).leftoverBytes, 0);
  await failToUpdate(missing);
  const bundle = await open();
  await bundle.fetchGraph(bundle.graph("webgpu"));
  host = "down";
  assert.equal(await load(), "first: one two , device");
  assert.equal(await load("webgpu"), "first: one two , device");
});

test("an entry of the format before, without a pending version, is a kept model", async () => {
  publish("first", ["one ", "two "]);
  await load();
  const models = await (await openStoreFolder()).getDirectoryHandle("models");
  for await (const [, handle] of /** @type {any} */ (models)) {
    const { pending, ...earlier } = JSON.parse(new TextDecoder().decode(handle.bytes));
    assert.equal(pending, null);
    handle.bytes = new TextEncoder().encode(JSON.stringify(earlier));
  }
  await failToUpdate(missing);
  host = "down";
  assert.equal(await load(), "first: one two , device");
});

test("where two versions do not fit, the older one goes when the newer is whole in memory", async () => {
  publish("first", ["1".repeat(20_000), "2".repeat(20_000)]);
  await load();
  publish("second", ["3".repeat(20_000), "4".repeat(20_000)]);
  storage.quota = 70_000;
  assert.match(await load(), /^second: 3+4+, device$/);
  host = "down";
  assert.match(await load(), /^second: 3+4+, device$/);
  assert.equal((await listStoredModels()).leftoverBytes, 0);
});

test("a newer version that fits in no case leaves the kept model", async () => {
  publish("first", ["1".repeat(20_000), "2".repeat(20_000)]);
  await load();
  publish("second", ["3".repeat(90_000)]);
  storage.quota = 70_000;
  assert.match(await load(), /^second: 3+, memory$/);
  host = "down";
  assert.match(await load(), /^first: 1+2+, device$/);
});

test("that a model will not fit is told before any of it is fetched", async () => {
  publish("first", ["1".repeat(90_000)]);
  storage.quota = 70_000;
  /** @type {string[]} */
  const told = [];
  let fetches = 0;
  const sent = scope.fetch;
  scope.fetch = (/** @type {string} */ url) => {
    if (!url.endsWith("manifest.json")) fetches++;
    return sent(url);
  };
  progressed = ({ reason, loadedBytes }) => told.push(`${fetches} ${loadedBytes} ${reason}`);
  await load();
  scope.fetch = sent;
  progressed = () => {};
  assert.match(told[0], /^0 0 The model needs 90\.0 kB on this device and the browser allows 6\d\.\d kB: /);
});

/** @type {[string, () => Response, boolean][]} */
const ANSWERS = [
  ["a sign-in page", () => new Response("<html>Welcome to the train"), true],
  ["status 403", () => new Response("", { status: 403 }), true],
  ["status 407", () => new Response("", { status: 407 }), true],
  ["status 429", () => new Response("", { status: 429 }), true],
  ["status 503", () => new Response("", { status: 503 }), true],
  ["half a manifest", cutManifest, true],
  ["status 404", () => new Response("", { status: 404 }), false],
  ["status 410", () => new Response("", { status: 410 }), false],
];
for (const [name, answer, isTaken] of ANSWERS) {
  test(`${name} in the manifest's place ${isTaken ? "leaves" : "takes"} the kept model`, async () => {
    publish("first", ["one ", "two "]);
    await load();
    const opening = openBundle(FOLDER, { obtain, fetch: async () => answer() });
    if (!isTaken) return assert.rejects(opening, { name: "PartMissingError" });
    const bundle = await opening;
    const { store } = await bundle.fetchAll(bundle.graph("wasm"));
    assert.match(store.reason ?? "", /the copy that the browser has kept/);
  });
}

function cutManifest() {
  return new Response(
    new ReadableStream({ start: (controller) => controller.error(new TypeError("network error")) }),
  );
}
