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
import { readModels, rememberModel, settleModel } from "./stored-models.js";
import { deleteUnreferenced, ownBytes, supersededBytes } from "./unreferenced-parts.js";

/** @typedef {import("./bundle-store.js").StoreOrder} StoreOrder */
/** @typedef {import("./unreferenced-parts.js").OpenStore} OpenStore */
/** @typedef {import("./stored-models.js").LoadedModel} LoadedModel */

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
  const { opened, reason, others, older, model } = await openStore(order);
  const obtained = await obtainFiles(order, {
    fetch: (url, init) => globalThis.fetch(url, init),
    retry: { ...RETRY, ...order.retry },
    signal: cancelled.signal,
    progress: (transfer) => post({ kind: "progress", transfer }),
    parts: opened?.parts ?? null,
    reason,
    others,
    makeRoom: async () => (opened === null ? 0 : makeRoomOfEarlier(opened, model)),
  });
  // What cannot be deleted now stays as a leftover, which the page shows.
  if (opened !== null) await tidyUp(opened, model, obtained.store.place, older).catch(() => 0);
  return obtained;
}

/**
 * @param {OpenStore} opened
 * @param {LoadedModel} model
 * @param {"device" | "memory"} place  where all of it is
 * @param {import("./bundle-manifest.js").FileEntry[]} older
 */
async function tidyUp(opened, model, place, older) {
  const superseded = place === "device" ? await settleModel(opened.store, model) : [];
  await deleteUnreferenced(opened, [...older, ...superseded]);
}

/** @param {StoreOrder} order */
async function openStore({ folder, name, manifestText, files, weights }) {
  const model = {
    url: folder,
    name,
    manifest: manifestText,
    files: [...files, ...weights],
    hasWeights: weights.length > 0,
  };
  const nothing = { others: [], older: [], model };
  let store;
  let parts;
  try {
    store = await openStoreFolder();
    parts = await PartFiles.open(store);
  } catch (cause) {
    return { opened: null, reason: noStorage(cause), ...nothing };
  }
  const opened = { store, parts };
  try {
    const older = await rememberModel(store, model);
    return { opened, older, model, ...(await makeRoom(opened, model)) };
  } catch (cause) {
    return { opened, reason: storageFailed(cause, []), ...nothing };
  }
}

/**
 * Deletes what no kept model needs where that is needed, and says what else could be deleted. The version before stays
 * until this one is whole, and its room counts as this one's: what it takes is written last.
 *
 * @param {OpenStore} opened
 * @param {LoadedModel} model  that wants room
 */
async function makeRoom(opened, model) {
  const { models, sizes, superseded } = await measure(opened, model);
  const others = models
    .filter(({ url }) => url !== model.url)
    .map((other) => ({ name: other.name, bytes: ownBytes(other, models, sizes) }));
  const { quota, usage = 0 } = await navigator.storage.estimate();
  if (noRoom(model.files, sizes, { quota, usage }, others) === null) return { reason: null, others };
  // The browser's own figure follows late.
  const left = usage - (await deleteUnreferenced(opened)) - superseded;
  return { reason: noRoom(model.files, sizes, { quota, usage: left }, others), others };
}

/**
 * When all of a load is in memory: lets the version before go too, if that is enough for this one.
 *
 * @param {OpenStore} opened
 * @param {LoadedModel} model
 * @returns {Promise<number>} bytes that are free
 */
async function makeRoomOfEarlier(opened, model) {
  const freed = await deleteUnreferenced(opened);
  const { sizes, superseded } = await measure(opened, model);
  const { quota, usage = 0 } = await navigator.storage.estimate();
  const left = usage - freed - superseded;
  if (superseded === 0 || noRoom(model.files, sizes, { quota, usage: left }, []) !== null) return freed;
  return freed + (await deleteUnreferenced(opened, await settleModel(opened.store, model)));
}

/**
 * @param {OpenStore} opened
 * @param {LoadedModel} model
 */
async function measure({ store, parts }, model) {
  const models = await readModels(store);
  const sizes = await parts.sizes();
  return { models, sizes, superseded: supersededBytes(model, models, sizes) };
}
