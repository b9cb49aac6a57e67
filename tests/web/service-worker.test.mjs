// @ts-check
import assert from "node:assert/strict";
import { beforeEach, test } from "node:test";
import { FakeSite } from "./fake-service-worker.mjs";

/** @type {FakeSite} */
let site;
beforeEach(() => {
  site = new FakeSite();
});

/** @param {string} version @param {Record<string, string>} [unused] */
async function installed(version, unused) {
  site.deploy(version, unused);
  const worker = site.worker(version);
  await worker.run("install");
  return worker;
}

/** @param {string} version @param {Record<string, string>} [unused] */
async function running(version, unused) {
  const worker = await installed(version, unused);
  await worker.run("activate");
  return worker;
}

/** A version that is being fetched, and what ends the wait for its last file. */
async function installing(/** @type {string} */ version) {
  site.deploy(version);
  let release = () => {};
  site.held = { path: "b.js", until: new Promise((resolve) => (release = resolve)) };
  const worker = site.worker(version);
  site.versions.installing = worker;
  const done = worker.run("install");
  while ((await site.caches.get(`pagelm-site http://site/ ${version}`)?.keys())?.length !== 2) {
    await new Promise((resolve) => setImmediate(resolve));
  }
  return { worker, done, release };
}

test("a version that takes over leaves the one that is being fetched meanwhile", async () => {
  await running("v1");
  const second = await installed("v2");
  const third = await installing("v3");
  await second.run("activate");
  third.release();
  await third.done;
  site.versions = { installing: null, waiting: null };
  await third.worker.run("activate");
  assert.deepEqual(site.keptVersions(), ["v3"]);
  site.isUp = false;
  assert.equal((await third.worker.get("b.js")).text, "b v3");
});

test("a version whose cache was deleted while it was fetched does not take over", async () => {
  await running("v1");
  const second = await installing("v2");
  site.caches.delete("pagelm-site http://site/ v2");
  second.release();
  await assert.rejects(second.done, /deleted/);
});

test("what a failed install left goes when the next version takes over", async () => {
  await running("v1");
  site.deploy("v2");
  delete site.files["b.js"];
  await assert.rejects(site.worker("v2").run("install"), /b\.js: HTTP status 404/);
  assert.deepEqual(site.keptVersions(), ["v1", "v2"]);
  await running("v3");
  assert.deepEqual(site.keptVersions(), ["v3"]);
});

test("a file that storage has no room for is served as it was fetched", async () => {
  const worker = await running("v1", { "jspi.wasm": "build" });
  for (const cache of site.caches.values()) cache.isFull = true;
  assert.deepEqual(await worker.get("jspi.wasm"), { status: 200, text: "build" });
  site.files["jspi.wasm"] = "other";
  assert.equal((await worker.get("jspi.wasm")).status, 502);
});

test("a site that is gone is left, but not under the pages that are open", async () => {
  const worker = await running("v1");
  site.files = {};
  assert.equal((await worker.get("", "navigate")).text, "index v1");
  assert.equal(site.unregistered, 1);
  assert.deepEqual(await worker.get("a.js"), { status: 200, text: "a v1" });
  await running("v2");
  assert.deepEqual(site.keptVersions(), ["v2"]);
});

test("a site that is gone for a moment stays", async () => {
  const worker = await running("v1");
  const { files } = site;
  site.files = {};
  site.onWait = () => {
    site.files = files;
  };
  await worker.get("", "navigate");
  assert.equal(site.waits.length, 1);
  assert.equal(site.unregistered, 0);
});

test("a cache that the browser has emptied is given up at once", async () => {
  const worker = await running("v1");
  site.caches.clear();
  assert.equal((await worker.get("a.js")).text, "a v1");
  assert.equal(site.unregistered, 1);
  assert.deepEqual(site.keptVersions(), []);
});
