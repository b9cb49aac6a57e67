// @ts-check
/**
 * Which models this browser keeps: for each address of a bundle its manifest, the files it needs and when it was last used.
 *
 * A list beside the parts, which it does not prove to be there. An entry that cannot be read counts as none: its parts are
 * then just parts. Layout: docs/contracts.md, "Store".
 *
 * @module
 */

import { sha256Of } from "./sha256.js";

const FORMAT = 1;
const LOCK = "pagelm.models";

/** @typedef {import("./bundle-manifest.js").FileEntry} FileEntry */
/**
 * @typedef {object} StoredModel
 * @property {number} format
 * @property {string} url  the bundle's folder
 * @property {string} name
 * @property {number} lastUsedMs  since the epoch
 * @property {string} manifest  the text, as it was served
 * @property {FileEntry[]} files  that the graphs which were used need
 */

/** @param {FileSystemDirectoryHandle} store */
function modelsFolder(store) {
  return store.getDirectoryHandle("models", { create: true });
}

/** @param {string} url */
async function fileName(url) {
  return `${(await sha256Of(new TextEncoder().encode(url))).slice(0, 16)}.json`;
}

/**
 * Writes down that a model is used now. In workers only.
 *
 * @param {FileSystemDirectoryHandle} store
 * @param {Omit<StoredModel, "format" | "lastUsedMs">} model
 */
export async function rememberModel(store, model) {
  await navigator.locks.request(LOCK, async () => {
    const folder = await modelsFolder(store);
    const name = await fileName(model.url);
    const before = await readModel(folder, name);
    // Another graph of the same version: both are in use.
    const known = before?.manifest === model.manifest ? before.files : [];
    const files = new Map([...known, ...model.files].map((file) => [file.sha256, file]));
    const entry = { ...model, format: FORMAT, lastUsedMs: Date.now(), files: [...files.values()] };
    const handle = /** @type {import("./part-files.js").FileHandle} */ (
      await folder.getFileHandle(name, { create: true })
    );
    const access = await handle.createSyncAccessHandle();
    try {
      access.truncate(0);
      access.write(new TextEncoder().encode(JSON.stringify(entry)), { at: 0 });
    } finally {
      access.close();
    }
  });
}

/**
 * @param {FileSystemDirectoryHandle} store
 * @returns {Promise<StoredModel[]>} the last used first
 */
export async function readModels(store) {
  const folder = await modelsFolder(store);
  const models = [];
  for await (const name of /** @type {any} */ (folder).keys()) {
    const model = await readModel(folder, name);
    if (model !== null) models.push(model);
  }
  return models.sort((a, b) => b.lastUsedMs - a.lastUsedMs);
}

/**
 * @param {FileSystemDirectoryHandle} store
 * @param {string} url  the bundle's folder
 */
export async function storedModel(store, url) {
  return readModel(await modelsFolder(store), await fileName(url));
}

/**
 * @param {FileSystemDirectoryHandle} store
 * @param {string} url  the bundle's folder
 */
export async function forgetModel(store, url) {
  const folder = await modelsFolder(store);
  await navigator.locks.request(LOCK, async () => folder.removeEntry(await fileName(url)));
}

/**
 * @param {FileSystemDirectoryHandle} folder
 * @param {string} name
 * @returns {Promise<StoredModel | null>}
 */
async function readModel(folder, name) {
  try {
    const handle = await folder.getFileHandle(name);
    const model = JSON.parse(await (await handle.getFile()).text());
    return model?.format === FORMAT && Array.isArray(model.files) ? model : null;
  } catch {
    // Not there, being written, or cut off by a crash.
    return null;
  }
}
