// @ts-check
/** One part over a host that breaks off, lies, stalls or says no. */

import assert from "node:assert/strict";
import { createHash, randomBytes } from "node:crypto";
import { test } from "node:test";
import { downloadPart } from "../../web/part-download.js";

const RETRY = { attempts: 3, delayMs: 1, stallMs: 50 };
const BYTES = new Uint8Array(randomBytes(1000));
const ENTRY = {
  file: "weights/000.bin",
  bytes: BYTES.length,
  sha256: createHash("sha256").update(BYTES).digest("hex"),
};

/**
 * Downloads from a host that answers by turns; the last answer is repeated.
 *
 * @param {Array<(start: number, signal: AbortSignal) => Response | Promise<Response>>} answers
 * @param {{received?: number, retry?: Partial<typeof RETRY>, before?: Uint8Array}} [state]
 */
async function download(answers, { received = 0, retry = {}, before = BYTES } = {}) {
  const target = new Uint8Array(BYTES.length);
  target.set(before.subarray(0, received));
  /** @type {number[]} */
  const starts = [];
  /** @type {number[]} */
  const kept = [];
  let counted = received;
  /** @type {any} */
  let error = null;
  const fetch = async (/** @type {string} */ _url, /** @type {any} */ init) => {
    const start = Number(/bytes=(\d+)-/.exec(init.headers?.Range ?? "")?.[1] ?? 0);
    starts.push(start);
    return answers[Math.min(starts.length, answers.length) - 1](start, init.signal);
  };
  await downloadPart({ entry: ENTRY, url: "http://host/weights/000.bin", target }, received, {
    fetch,
    cache: "default",
    retry: { ...RETRY, ...retry },
    signal: new AbortController().signal,
    count: (bytes) => {
      counted += bytes;
    },
    keep: (bytes) => kept.push(bytes),
    waiting: () => {},
  }).catch((caught) => {
    error = caught;
  });
  return { target, starts, kept, counted, error };
}

/** @param {Uint8Array} bytes @param {boolean} cut */
function body(bytes, cut) {
  return new ReadableStream({
    start(controller) {
      controller.enqueue(new Uint8Array(bytes));
      if (!cut) controller.close();
    },
    pull(controller) {
      controller.error(new TypeError("network error"));
    },
  });
}

const ranges = (/** @type {number} */ start) =>
  new Response(body(BYTES.subarray(start), false), {
    status: start > 0 ? 206 : 200,
    headers: start > 0 ? { "content-range": `bytes ${start}-999/1000` } : {},
  });
const whole = () => new Response(body(BYTES, false));
const cutAt = (/** @type {number} */ end) => (/** @type {number} */ start) =>
  new Response(body(BYTES.subarray(start, end), true), {
    status: start > 0 ? 206 : 200,
    headers: start > 0 ? { "content-range": `bytes ${start}-999/1000` } : {},
  });
const status = (/** @type {number} */ code) => () => new Response("", { status: code });

test("a cut costs only what is missing", async () => {
  const { target, starts, counted, error } = await download([cutAt(300), cutAt(301), ranges]);
  assert.equal(error, null);
  assert.deepEqual(starts, [0, 300, 301]);
  assert.equal(counted, 1000);
  assert.deepEqual(target, BYTES);
});

test("a host without ranges sends the part again, and what was counted is taken back", async () => {
  const { target, starts, kept, counted, error } = await download([cutAt(300), whole]);
  assert.equal(error, null);
  assert.deepEqual(starts, [0, 300]);
  assert.deepEqual(kept, [300, 0, 1000]);
  assert.equal(counted, 1000);
  assert.deepEqual(target, BYTES);
});

test("any number of cuts is borne while each attempt brings something new", async () => {
  const cuts = Array.from({ length: 9 }, (_, i) => cutAt(100 * (i + 1)));
  assert.equal((await download([...cuts, ranges])).error, null);
});

test("a host without ranges that always cuts at the same place is given up", async () => {
  const noRanges = () => new Response(body(BYTES.subarray(0, 500), true));
  const { starts, error } = await download([noRanges]);
  assert.equal(error?.name, "PartMissingError");
  assert.match(error?.message, /weights\/000\.bin broke off after 500 of 1000 bytes/);
  assert.equal(starts.length, 3);
});

test("bytes of an earlier visit are continued", async () => {
  const { starts, error } = await download([ranges], { received: 700 });
  assert.equal(error, null);
  assert.deepEqual(starts, [700]);
});

test("bytes of an earlier visit that are wrong cost the part, from its start", async () => {
  const { target, starts, error } = await download([ranges], { received: 700, before: new Uint8Array(1000) });
  assert.equal(error, null);
  assert.deepEqual(starts, [700, 0]);
  assert.deepEqual(target, BYTES);
});

test("a part that is all there is not asked for", async () => {
  assert.deepEqual((await download([status(500)], { received: 1000 })).starts, []);
});

test("a wrong bit is fetched again, and named when it stays wrong", async () => {
  const wrong = new Uint8Array(BYTES);
  wrong[500] ^= 1;
  const altered = () => new Response(body(wrong, false));
  assert.equal((await download([altered, ranges])).error, null);
  const { starts, error } = await download([altered]);
  assert.equal(starts.length, 3);
  assert.match(error?.message, /weights\/000\.bin arrived with a sha256 of .* \(expected 1000 bytes with/);
});

test("a server in trouble is asked again, and named with its status when it stays so", async () => {
  assert.equal((await download([status(500), status(503), ranges])).error, null);
  const { starts, error } = await download([status(500)]);
  assert.equal(starts.length, 3);
  assert.match(error?.message, /HTTP status 500 .* try again later/);
});

test("a file that is shorter at the host is said to be short", async () => {
  const short = (/** @type {number} */ start) =>
    start > 0 ? new Response("", { status: 416 }) : new Response(body(BYTES.subarray(0, 999), false));
  const { error } = await download([short]);
  assert.equal(error?.name, "PartAlteredError");
  assert.match(error?.message, /arrived with (999 bytes|no bytes after 999)/);
});

test("silence counts as a cut", async () => {
  const silent = (/** @type {number} */ _start, /** @type {AbortSignal} */ signal) =>
    new Response(
      new ReadableStream({
        start(controller) {
          controller.enqueue(BYTES.slice(0, 10));
          signal.addEventListener("abort", () => controller.error(signal.reason));
        },
      }),
    );
  const { starts, error } = await download([silent, ranges]);
  assert.equal(error, null);
  assert.deepEqual(starts, [0, 10]);
});

test("what broke off under a Content-Encoding names it", async () => {
  const coded = () =>
    new Response(body(BYTES.subarray(0, 0), true), { headers: { "content-encoding": "gzip" } });
  assert.match((await download([coded])).error?.message, /Content-Encoding: gzip/);
});
