// @ts-check
import assert from "node:assert/strict";
import { beforeEach, test } from "node:test";
import { openStoreFolder, PartFiles } from "../../web/part-files.js";
import { FakeStorage } from "./fake-storage.mjs";

/** @type {FakeStorage} */
let storage;
/** @type {PartFiles} */
let parts;
/** @type {any} */
let folder;

beforeEach(async () => {
  storage = new FakeStorage();
  storage.install();
  const store = await openStoreFolder();
  parts = await PartFiles.open(store);
  folder = await store.getDirectoryHandle("parts");
  for (const name of ["aa", "bb"]) await parts.write(name, new Uint8Array([1, 2, 3]));
});

/** As a browser does it: the handle is there, what it stands for is not. @param {string} name @param {string} error */
async function fail(name, error) {
  const handle = await folder.getFileHandle(name);
  handle.getFile = handle.createSyncAccessHandle = async () => {
    throw new DOMException("A requested file could not be found", error);
  };
}

test("a part that another tab deletes while it is looked at counts as not there", async () => {
  await fail("bb", "NotFoundError");
  assert.deepEqual([...(await parts.sizes())], [["aa", 3]]);
  assert.equal(await parts.file("bb"), null);
  assert.equal(await parts.read("bb", new Uint8Array(3)), false);
  assert.equal(await parts.read("aa", new Uint8Array(3)), true);
});

test("other failures of storage are no missing parts", async () => {
  await fail("bb", "NotReadableError");
  const failure = { name: "NotReadableError" };
  await assert.rejects(parts.sizes(), failure);
  await assert.rejects(parts.file("bb"), failure);
  await assert.rejects(parts.read("bb", new Uint8Array(3)), failure);
});
