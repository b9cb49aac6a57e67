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
import { obtainFiles } from "./obtain-files.js";
import { RETRY } from "./part-download.js";
import { openStoreFolder, PartFiles } from "./part-files.js";
import { noRoom, noStorage, storageFailed } from "./storage-room.js";
import { rememberModel } from "./stored-models.js";

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
    const obtained = await obtain(data.order);
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
  const { parts, reason } = await openStore(order);
  return obtainFiles(order, {
    fetch: (url, init) => globalThis.fetch(url, init),
    retry: { ...RETRY, ...order.retry },
    signal: cancelled.signal,
    progress: (transfer) => post({ kind: "progress", transfer }),
    parts,
    reason,
  });
}

/** @param {StoreOrder} order */
async function openStore({ folder, name, manifestText, files, weights }) {
  let store;
  let parts;
  try {
    store = await openStoreFolder();
    parts = await PartFiles.open(store);
  } catch (cause) {
    return { parts: null, reason: noStorage(cause) };
  }
  try {
    const entries = [...files, ...weights];
    const reason = noRoom(entries, await parts.sizes(), await navigator.storage.estimate());
    await rememberModel(store, { url: folder, name, manifest: manifestText, files: entries });
    return { parts, reason };
  } catch (cause) {
    return { parts, reason: storageFailed(cause) };
  }
}
