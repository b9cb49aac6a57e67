// @ts-check
/**
 * The models that this browser keeps for the page's origin: to show, to check and to delete, from any page of it.
 *
 * For pages that embed pagelm, and the page's own dialog is built on it. Needs no worker and no loaded model. Knows no
 * network. Contract: docs/contracts.md, "JavaScript: kept models".
 *
 * @module
 */

import { StoredModelError } from "./errors.js";
import { countUsers, loadLock, MODELS_LOCK, partLock } from "./model-locks.js";
import { openStoreFolder, PartFiles } from "./part-files.js";
import { sha256Of } from "./sha256.js";
import { forgetModel, neededFiles, readModels, storedModel } from "./stored-models.js";
import { deleteUnreferenced, deleteUnreferencedParts, hashesOf, ownBytes } from "./unreferenced-parts.js";

/** @typedef {import("./bundle-manifest.js").FileEntry} FileEntry */
/** @typedef {import("./unreferenced-parts.js").OpenStore} OpenStore */
/**
 * @typedef {object} KeptModel
 * @property {string} url  the bundle's folder
 * @property {string} name
 * @property {number} storedBytes  of its files, that are here
 * @property {number} totalBytes  of all files that it needs, with those of a newer version that is not whole yet
 * @property {number} ownBytes  what deleting it frees: no other kept model needs them
 * @property {boolean} isComplete  every file of the last whole version has its size; that it is right, only checking tells
 * @property {number} lastUsedMs  since the epoch
 * @property {number} users  workers that use it now, in all tabs
 */
/**
 * @typedef {object} KeptModels
 * @property {KeptModel[]} models  the last used first
 * @property {number} leftoverBytes  of older versions and stopped downloads, which no model needs
 * @property {number | null} usageBytes  of all that this origin keeps, models or not, as the browser says
 * @property {number | null} quotaBytes  what it allows
 * @property {boolean | null} isPersistent  whether it promises not to delete by itself; null: it does not say
 */
/**
 * @typedef {object} Check
 * @property {number} checkedBytes  that are right
 * @property {FileEntry[]} altered  whose bytes were wrong: deleted, and fetched again by the next load
 * @property {FileEntry[]} missing  that are not here, or not whole: fetched by the next load
 */

/**
 * @returns {Promise<KeptModels>}
 * @throws {StoredModelError} where the browser keeps nothing
 */
export async function listStoredModels() {
  const { store, parts } = await openStore();
  const models = await readModels(store);
  const sizes = await parts.sizes();
  const users = await countUsers(models.map(({ url }) => url));
  const needed = hashesOf(models);
  const { usage, quota } = await navigator.storage.estimate();
  return {
    models: models.map((model, index) => ({
      url: model.url,
      name: model.name,
      ...measure(model, sizes),
      ownBytes: ownBytes(model, models, sizes),
      lastUsedMs: model.lastUsedMs,
      users: users[index],
    })),
    leftoverBytes: [...sizes].reduce((sum, [name, bytes]) => (needed.has(name) ? sum : sum + bytes), 0),
    usageBytes: usage ?? null,
    quotaBytes: quota ?? null,
    isPersistent: (await navigator.storage.persisted?.()) ?? null,
  };
}

/**
 * @param {import("./stored-models.js").StoredModel} model
 * @param {Map<string, number>} sizes
 */
function measure(model, sizes) {
  const needed = neededFiles(model);
  const usable = model.files.length > 0 ? model.files : needed;
  return {
    storedBytes: needed.reduce((sum, { sha256 }) => sum + (sizes.get(sha256) ?? 0), 0),
    totalBytes: needed.reduce((sum, { bytes }) => sum + bytes, 0),
    isComplete: usable.every(({ sha256, bytes }) => sizes.get(sha256) === bytes),
  };
}

/**
 * Hashes every file of a model. Takes the memory of its largest part.
 *
 * @param {string} url  as listed
 * @param {{onProgress?: (checkedBytes: number, totalBytes: number) => void, signal?: AbortSignal}} [options]
 * @returns {Promise<Check>}
 * @throws {StoredModelError} it is not kept, or being deleted
 */
export async function verifyStoredModel(url, { onProgress = () => {}, signal } = {}) {
  const opened = await openStore();
  return navigator.locks.request(loadLock(url), { mode: "shared", ifAvailable: true }, async (lock) => {
    if (lock === null) throw busy(url, "being deleted");
    const files = neededFiles(await findModel(opened, url));
    const totalBytes = files.reduce((sum, { bytes }) => sum + bytes, 0);
    /** @type {Check} */
    const check = { checkedBytes: 0, altered: [], missing: [] };
    let doneBytes = 0;
    for (const entry of files) {
      signal?.throwIfAborted();
      onProgress(doneBytes, totalBytes);
      const state = await checkFile(opened, entry);
      if (state === "right") check.checkedBytes += entry.bytes;
      else check[state].push(entry);
      doneBytes += entry.bytes;
    }
    onProgress(doneBytes, totalBytes);
    return check;
  });
}

/**
 * @param {OpenStore} opened
 * @param {FileEntry} entry
 */
async function checkFile({ parts }, entry) {
  const state = await stateOf(parts, entry);
  if (state !== "altered") return state;
  // Another tab may have been writing it: alone with it, its bytes count.
  return navigator.locks.request(partLock(entry.sha256), async () => {
    const settled = await stateOf(parts, entry);
    if (settled === "altered") await parts.delete(entry.sha256);
    return settled;
  });
}

/**
 * @param {PartFiles} parts
 * @param {FileEntry} entry
 * @returns {Promise<"right" | "altered" | "missing">}
 */
async function stateOf(parts, { sha256, bytes }) {
  const file = await parts.file(sha256);
  if (file === null || file.size < bytes) return "missing";
  if (file.size > bytes) return "altered";
  return (await sha256Of(await file.arrayBuffer())) === sha256 ? "right" : "altered";
}

/**
 * Deletes a model, and of its files those that no other kept model needs. Who uses it at this moment goes on with what is
 * in memory; the next load downloads it again.
 *
 * @param {string} url  as listed
 * @returns {Promise<number>} bytes that are free
 * @throws {StoredModelError} it is not kept, or being loaded or checked
 */
export async function deleteStoredModel(url) {
  const opened = await openStore();
  return navigator.locks.request(loadLock(url), { ifAvailable: true }, async (lock) => {
    if (lock === null) throw busy(url, "being loaded or checked");
    return navigator.locks.request(MODELS_LOCK, async () => {
      const files = neededFiles(await findModel(opened, url));
      await forgetModel(opened.store, url);
      return deleteUnreferencedParts(opened, files);
    });
  });
}

/**
 * Deletes what no kept model needs, but for what is being downloaded.
 *
 * @returns {Promise<number>} bytes that are free
 * @throws {StoredModelError} where the browser keeps nothing
 */
export async function deleteLeftovers() {
  return deleteUnreferenced(await openStore());
}

/** @returns {Promise<OpenStore>} */
async function openStore() {
  try {
    const store = await openStoreFolder();
    return { store, parts: await PartFiles.open(store) };
  } catch (cause) {
    throw new StoredModelError(`This browser lets the page keep no files: ${cause}`, {
      expected: "storage that is switched on, and https or localhost",
      remedy: "Open the page in a window that is not private, or allow it to keep data.",
      cause,
    });
  }
}

/**
 * @param {OpenStore} opened
 * @param {string} url
 */
async function findModel({ store }, url) {
  const model = await storedModel(store, url);
  if (model !== null) return model;
  throw new StoredModelError(`No model of the address ${url} is kept`, {
    expected: "an address that listStoredModels() names",
    remedy: "It may have been deleted in another tab: list the models again.",
  });
}

/**
 * @param {string} url
 * @param {string} state
 */
function busy(url, state) {
  return new StoredModelError(`The model of ${url} is ${state}`, {
    expected: "a model that nobody changes",
    remedy: "Wait until that is done, or cancel it in the tab where it happens.",
  });
}
