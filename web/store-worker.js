// @ts-check
/**
 * A worker that obtains the files of one load, so that neither Python's start nor the page holds them up.
 *
 * Takes one order, posts progress, then the files (handed over, not copied) or the error. Opens the store, or says why there
 * is none.
 *
 * @module
 */

import { describeError } from "./errors.js";
import { whileLoading } from "./model-locks.js";
import { obtainFiles } from "./obtain-files.js";
import { RETRY } from "./part-download.js";
import { openStoreFolder, PartFiles } from "./part-files.js";
import { noRoom, noStorage, storageFailed } from "./storage-room.js";
import { deleteUnreferenced, ownBytes, readModels, rememberModel } from "./stored-models.js";

/** @typedef {import("./bundle-store.js").StoreOrder} StoreOrder */

/** The types of this project are those of a page, whose postMessage goes elsewhere. */
const post = /** @type {(answer: object, transfer?: Transferable[]) => void} */ (
  /** @type {unknown} */ (globalThis.postMessage)
);
const cancelled = new AbortController();

addEventListener("message", async ({ data }) => {
  if (data.kind === "cancel") {
    cancelled.abort();
    return;
  }
  try {
    const { folder } = data.order;
    const obtained = await whileLoading(folder, () => obtain(data.order));
    post({ kind: "files", obtained }, [
      obtained.weights.buffer,
      ...obtained.files.map(({ buffer }) => buffer),
    ]);
  } catch (error) {
    post({ kind: "error", error: describeError(error) });
  }
});

/** @param {StoreOrder} order */
async function obtain(order) {
  const { opened, reason, others, older } = await openStore(order);
  const obtained = await obtainFiles(order, {
    fetch: (url, init) => globalThis.fetch(url, init),
    retry: { ...RETRY, ...order.retry },
    signal: cancelled.signal,
    progress: (transfer) => post({ kind: "progress", transfer }),
    parts: opened?.parts ?? null,
    reason,
    others,
    makeRoom: async () => (opened === null ? 0 : deleteUnreferenced(opened)),
  });
  // What cannot be deleted now stays as a leftover, which the page shows.
  if (opened !== null) await deleteUnreferenced(opened, older).catch(() => 0);
  return obtained;
}

/** @param {StoreOrder} order */
async function openStore({ folder, name, manifestText, files, weights }) {
  let store;
  let parts;
  try {
    store = await openStoreFolder();
    parts = await PartFiles.open(store);
  } catch (cause) {
    return { opened: null, reason: noStorage(cause), others: [], older: [] };
  }
  const opened = { store, parts };
  try {
    const entries = [...files, ...weights];
    const model = { url: folder, name, manifest: manifestText, files: entries };
    const older = await rememberModel(store, model);
    return { opened, older, ...(await makeRoom(opened, folder, entries)) };
  } catch (cause) {
    return { opened, reason: storageFailed(cause, []), others: [], older: [] };
  }
}

/**
 * Deletes what no kept model needs where that is needed, and says what else could be deleted.
 *
 * @param {import("./stored-models.js").OpenStore} opened
 * @param {string} url  of the bundle that wants room
 * @param {import("./bundle-manifest.js").FileEntry[]} entries
 */
async function makeRoom(opened, url, entries) {
  const models = await readModels(opened.store);
  const sizes = await opened.parts.sizes();
  const others = models
    .filter((model) => model.url !== url)
    .map((model) => ({ name: model.name, bytes: ownBytes(model, models, sizes) }));
  const { quota, usage = 0 } = await navigator.storage.estimate();
  if (noRoom(entries, sizes, { quota, usage }, others) === null) return { reason: null, others };
  const freed = await deleteUnreferenced(opened);
  // The browser's own figure follows late.
  return { reason: noRoom(entries, sizes, { quota, usage: usage - freed }, others), others };
}
