// @ts-check
/** site.json is used when it has the format this page reads, and refused with a reason when not. */

import assert from "node:assert/strict";
import { afterEach, test } from "node:test";
import { fetchSiteIndex } from "../../web/site-index.js";
import { passSilence, silentHost } from "./fake-host.mjs";

const URL_OF_SITE = "http://host/chat/site.json";
const originalFetch = globalThis.fetch;
afterEach(() => {
  globalThis.fetch = originalFetch;
});

/** @param {string} body @param {number} [status] */
function answer(body, status = 200) {
  globalThis.fetch = async () => new Response(body, { status });
}

test("paths are relative to site.json", async () => {
  answer('{"format": 1, "models": []}');
  const index = await fetchSiteIndex(URL_OF_SITE);
  assert.equal(index.at("vendor/x.mjs"), "http://host/chat/vendor/x.mjs");
});

for (const [what, body, status, why] of /** @type {[string, string, number, RegExp][]} */ ([
  ["another format", '{"format": 2}', 200, /format 2 \(expected a site index of format 1/],
  ["no site", "no", 404, /HTTP status 404/],
  ["an HTML page", "<!doctype html>", 200, /cannot be used: .*JSON/],
])) {
  test(`${what} is a named error that says what to do`, async () => {
    answer(body, status);
    await assert.rejects(fetchSiteIndex(URL_OF_SITE), { name: "SiteError", message: why });
    await assert.rejects(fetchSiteIndex(URL_OF_SITE), { message: /pagelm site/ });
  });
}

test("a server that does not answer is a named error", async () => {
  globalThis.fetch = () => Promise.reject(new TypeError("Failed to fetch"));
  await assert.rejects(fetchSiteIndex(URL_OF_SITE), { name: "SiteError", message: /Failed to fetch/ });
});

test("a server that says nothing is a named error after a while", async (context) => {
  context.mock.timers.enable({ apis: ["setTimeout"] });
  globalThis.fetch = silentHost;
  const refused = assert.rejects(fetchSiteIndex(URL_OF_SITE), {
    name: "SiteError",
    message: /nothing came for 30000 ms/,
  });
  await passSilence(context);
  await refused;
});

test("what is cancelled ends with the reason it was given", async () => {
  globalThis.fetch = silentHost;
  const stop = new AbortController();
  const cancelled = new Error("cancelled");
  setImmediate(() => stop.abort(cancelled));
  await assert.rejects(fetchSiteIndex(URL_OF_SITE, stop.signal), cancelled);
});
