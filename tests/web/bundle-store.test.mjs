// @ts-check
import assert from "node:assert/strict";
import { createHash, randomBytes } from "node:crypto";
import { beforeEach, test } from "node:test";
import { openBundle } from "../../web/bundle-store.js";
import { obtainFiles } from "../../web/obtain-files.js";
import { GRAPH, MODEL } from "./manifest-fields.mjs";

/** @type {Map<string, Uint8Array<ArrayBuffer>>} path below the bundle → what the server sends */
let served = new Map();
/** @type {any} */
let manifest = {};
let inFlight = 0;
let greatestInFlight = 0;
/** @type {string[]} */
let asked = [];

/** @param {string} file @param {Uint8Array} bytes */
function serve(file, bytes) {
  served.set(file, new Uint8Array(bytes));
  return { file, bytes: bytes.length, sha256: createHash("sha256").update(bytes).digest("hex") };
}

beforeEach(() => {
  served = new Map();
  asked = [];
  greatestInFlight = 0;
  const parts = Array.from({ length: 9 }, (_, i) => serve(`weights/00${i}.bin`, randomBytes(1000 + i)));
  manifest = {
    format: 1,
    name: "tiny",
    model: { ...MODEL },
    thinking: true,
    generation: {},
    tokenizer: serve("tokenizer/tokenizer.bin", randomBytes(10)),
    chat_template: serve("tokenizer/chat_template.jinja", Buffer.from("{{ 'ü' }}")),
    weights: { bytes: parts.reduce((sum, { bytes }) => sum + bytes, 0), parts },
    graphs: { wasm: { ...GRAPH, ...serve("graphs/wasm.onnx", randomBytes(77)) } },
    quantization: { method: "rtn", bits: 4, head_bits: 4, block_size: 32, symmetric: true },
  };
});

/** @param {string} url */
async function fetchServed(url) {
  const path = url.replace("http://site/models/tiny/", "");
  asked.push(path);
  inFlight++;
  greatestInFlight = Math.max(greatestInFlight, inFlight);
  await new Promise((resolve) => setTimeout(resolve, 1));
  inFlight--;
  if (path === "manifest.json")
    return new Response(typeof manifest === "string" ? manifest : JSON.stringify(manifest));
  const bytes = served.get(path);
  return bytes ? new Response(bytes) : new Response("no", { status: 404 });
}

/** In memory, in this thread. @param {import("../../web/part-request.js").Fetch} [fetch] */
function openTiny(fetch = fetchServed) {
  return openBundle("http://site/models/tiny", {
    fetch,
    obtain: (order, progress, signal) =>
      obtainFiles(order, {
        fetch,
        retry: { attempts: 2, delayMs: 1, stallMs: 1000 },
        signal,
        progress,
        parts: null,
        reason: "No storage here.",
        others: [],
        makeRoom: async () => 0,
      }),
  });
}

/** @param {import("../../web/bundle-store.js").FetchOptions} [options] */
async function fetchAll(options) {
  const bundle = await openTiny();
  return bundle.fetchAll(bundle.graph("wasm"), options);
}

test("weights are the parts in the manifest's order, whatever order they arrive in", async () => {
  const { weights } = await fetchAll();
  const expected = Buffer.concat(
    manifest.weights.parts.map((/** @type {any} */ { file }) => served.get(file)),
  );
  assert.ok(Buffer.from(weights).equals(expected));
});

test("graph, tokenizer and template arrive as they were served", async () => {
  const files = await fetchAll();
  assert.deepEqual(files.graph, served.get("graphs/wasm.onnx"));
  assert.deepEqual(files.tokenizer, served.get("tokenizer/tokenizer.bin"));
  assert.equal(files.chatTemplate, "{{ 'ü' }}");
});

test("parts are fetched in parallel, but never more than six at a time", async () => {
  await fetchAll();
  assert.equal(greatestInFlight, 6);
});

test("how many are fetched side by side can be said", async () => {
  await fetchAll({ parallelFetches: 2 });
  assert.equal(greatestInFlight, 2);
});

test("files that are not kept are said to be in memory, with the reason", async () => {
  const { store } = await fetchAll();
  assert.deepEqual(store, { place: "memory", reason: "No storage here." });
});

test("progress rises to the total that the manifest promises", async () => {
  /** @type {Array<[number, number]>} */
  const steps = [];
  await fetchAll({ onProgress: ({ loadedBytes, totalBytes }) => steps.push([loadedBytes, totalBytes]) });
  const total = manifest.weights.bytes + 77 + 10 + Buffer.byteLength("{{ 'ü' }}");
  assert.deepEqual(steps[0], [0, total]);
  assert.deepEqual(steps.at(-1), [total, total]);
  assert.deepEqual(
    steps,
    [...steps].sort((a, b) => a[0] - b[0]),
  );
});

test("an altered part is named, with the hash that was expected", async () => {
  const part = manifest.weights.parts[4];
  const bytes = /** @type {Uint8Array} */ (served.get(part.file));
  bytes[500] ^= 1;
  await assert.rejects(fetchAll(), (/** @type {Error} */ error) => {
    assert.equal(error.name, "PartAlteredError");
    assert.ok(error.message.startsWith("weights/004.bin arrived with a sha256 of "));
    assert.ok(error.message.includes(part.sha256));
    return true;
  });
});

for (const [word, change] of /** @type {const} */ ([
  ["short", -1],
  ["long", 1],
])) {
  test(`a part that is one byte too ${word} is named, with the size that was expected`, async () => {
    served.set("weights/002.bin", new Uint8Array(1002 + change));
    await assert.rejects(fetchAll(), {
      name: "PartAlteredError",
      message: /^weights\/002\.bin .*expected 1002 bytes/,
    });
  });
}

test("a missing part is named, with its address and status", async () => {
  served.delete("weights/003.bin");
  await assert.rejects(fetchAll(), {
    name: "PartMissingError",
    message: /weights\/003\.bin is not at http:\/\/site\/models\/tiny\/weights\/003\.bin: HTTP status 404/,
  });
});

test("after one failure the other downloads are aborted and no new one starts", async () => {
  /** @type {AbortSignal[]} */
  const signals = [];
  const bundle = await openTiny((url, init) => {
    if (url.endsWith("manifest.json") || url.endsWith("weights/000.bin")) return fetchServed(url);
    const signal = /** @type {AbortSignal} */ (init?.signal);
    signals.push(signal);
    return new Promise((_, reject) => signal.addEventListener("abort", () => reject(signal.reason)));
  });
  served.delete("weights/000.bin");
  await assert.rejects(bundle.fetchAll(bundle.graph("wasm")), {
    name: "PartMissingError",
    message: /weights\/000\.bin/,
  });
  assert.equal(signals.length, 5);
  assert.ok(signals.every(({ aborted }) => aborted));
});

test("what is cancelled ends with the reason it was given", async () => {
  const stop = new AbortController();
  const loading = fetchAll({ signal: stop.signal, onProgress: () => stop.abort(new Error("enough")) });
  await assert.rejects(loading, { message: "enough" });
});

test("a missing part is asked for again, and no other part is", async () => {
  served.delete("weights/003.bin");
  await assert.rejects(fetchAll({ parallelFetches: 1 }), { name: "PartMissingError" });
  assert.deepEqual(asked.filter((path) => path === "weights/003.bin").length, 2);
  assert.equal(new Set(asked).size, asked.length - 1);
});

test("a hash that could name another file is refused", async () => {
  manifest.weights.parts[1].sha256 = "../manifest.json";
  await assert.rejects(fetchAll(), { name: "ManifestError", message: /sha256 of 64 hexadecimal digits/ });
});

test("a server that does not answer is a missing part, not a TypeError", async () => {
  const unreachable = () => Promise.reject(new TypeError("Failed to fetch"));
  await assert.rejects(openBundle("http://site/", { fetch: unreachable }), {
    name: "PartMissingError",
    message: /manifest\.json/,
  });
});

test("another format version is refused by name", async () => {
  manifest.format = 2;
  await assert.rejects(fetchAll(), {
    name: "FormatVersionError",
    message: /has format 2 \(expected format 1/,
  });
});

test("an HTML page in place of the manifest is said to be one", async () => {
  manifest = "<!doctype html><title>404</title>";
  await assert.rejects(fetchAll(), { name: "ManifestError", message: /manifest\.json is an HTML page/ });
});

const DEEP = `${"[".repeat(100_000)}${"]".repeat(100_000)}`;
for (const [name, text, message] of /** @type {const} */ ([
  ["lists in lists as its format", () => `{"format": ${DEEP}}`, /has format a list/],
  ["nothing", () => "null", /has format undefined/],
  [
    "lists in lists as a file",
    () => changed({ tokenizer: { file: "DEEP" } }),
    /describes a file as file a list/,
  ],
  ["no object of graphs", () => changed({ graphs: null }), /has graphs null \(expected an object/],
  ["a list of its model", () => changed({ model: [] }), /has model a list/],
  ["a number of weights", () => changed({ weights: 3 }), /has weights 3/],
  ["more bytes than any manifest has", () => " ".repeat(17 * 1024 * 1024), /is longer than 16777216 bytes/],
])) {
  test(`a manifest that has ${name} is refused by name`, async () => {
    manifest = text();
    await assert.rejects(fetchAll(), { name: /^(Manifest|FormatVersion)Error$/, message });
  });
}

/** @param {object} values */
function changed(values) {
  return JSON.stringify({ ...manifest, ...values }).replace('"DEEP"', DEEP);
}

for (const count of [1, 65, 2.5, "16"]) {
  test(`verify_tokens ${JSON.stringify(count)} is refused`, async () => {
    manifest.graphs.wasm.verify_tokens = count;
    await assert.rejects(fetchAll(), {
      name: "ManifestError",
      message: /graphs\.wasm\.verify_tokens .* \(expected 2 to 64, or none\)/,
    });
  });
}

for (const [key, value] of /** @type {const} */ ([
  ["bits", 8],
  ["head_bits", 6],
  ["block_size", 256],
  ["symmetric", false],
  ["bits", undefined],
])) {
  test(`quantization.${key} ${value} is refused: its bytes would be read as wrong weights`, async () => {
    manifest.quantization[key] = value;
    await assert.rejects(fetchAll(), {
      name: "ManifestError",
      message: new RegExp(
        `has quantization\\.${key} ${value} \\(expected (4|4 or 8|16 or 32 or 64 or 128|true) in format 1`,
      ),
    });
  });
}

test("a manifest without a key says which", async () => {
  delete manifest.weights;
  await assert.rejects(fetchAll(), { name: "ManifestError", message: /has no weights/ });
});

test("parts that do not add up to the weights are refused before they are fetched", async () => {
  manifest.weights.parts.pop();
  await assert.rejects(fetchAll(), { name: "ManifestError", message: /weight parts are \d+ bytes together/ });
});

test("a graph that the bundle does not have is refused with those it has", async () => {
  const bundle = await openTiny();
  assert.throws(() => bundle.graph("webgpu-f16"), {
    name: "ManifestError",
    message: /no graph webgpu-f16 \(expected one of wasm/,
  });
});

test("another origin that cannot be reached is told what to send, as a browser does not tell why", async () => {
  const unreachable = () => Promise.reject(new TypeError("Failed to fetch"));
  Object.assign(globalThis, { location: { origin: "https://page.example" } });
  try {
    await assert.rejects(openBundle("https://weights.example/pico/", { fetch: unreachable }), {
      name: "PartMissingError",
      message: /Access-Control-Allow-Origin: https:\/\/page\.example.*--base-url/,
    });
    await assert.rejects(openBundle("https://page.example/pico/", { fetch: unreachable }), {
      message: /^(?!.*Access-Control)/,
    });
  } finally {
    Reflect.deleteProperty(globalThis, "location");
  }
});

for (const file of [
  "https://evil.example/x",
  "../../admin",
  "/x",
  "a//b",
  "a/../b",
  "weights/.x",
  "a b",
  "",
]) {
  test(`a file at ${JSON.stringify(file)} is refused before anything is fetched`, async () => {
    manifest.weights.parts[0].file = file;
    const message = /describes a file as .*\(expected a path inside the bundle/;
    await assert.rejects(fetchAll(), { name: "ManifestError", message });
    assert.deepEqual(asked, ["manifest.json"]);
  });
}

const NO_COUNTS = [undefined, null, 0, -5, 0.5, "many", Number.MAX_VALUE, [], {}, true];
for (const key of Object.keys(MODEL)) {
  test(`model.${key} that is no count is refused by name`, async () => {
    for (const value of NO_COUNTS) {
      manifest.model = { ...MODEL, [key]: value };
      const message = new RegExp(`has model\\.${key} .*expected a whole number above 0`);
      await assert.rejects(fetchAll(), { name: "ManifestError", message });
    }
  });
}

for (const key of Object.keys(GRAPH)) {
  test(`graphs.wasm.${key} of a wrong type is refused by name`, async () => {
    for (const value of [undefined, null, -1, "x", [1], {}, true]) {
      manifest.graphs.wasm = { ...GRAPH, ...manifest.graphs.wasm, [key]: value };
      const message = new RegExp(`has graphs\\.wasm\\.${key} `);
      await assert.rejects(fetchAll(), { name: "ManifestError", message });
    }
  });
}

test("a manifest that is cut on its way is named", async () => {
  const body = new ReadableStream({
    start: (controller) => controller.error(new TypeError("network error")),
  });
  await assert.rejects(openBundle("http://site/", { fetch: async () => new Response(body) }), {
    name: "PartMissingError",
    message: /manifest\.json broke off while it came from .*network error/,
  });
});
