// @ts-check
/**
 * Which models this browser keeps: for each address of a bundle its manifest, the files it needs and when it was last used.
 *
 * A list beside the parts, which it does not prove to be there. An entry that cannot be read counts as none: its parts are
 * then just parts. Layout: docs/contracts.md, "Store".
 *
 * @module
 */

import { overwrite } from "./access-handle.js";
import { MODELS_LOCK, partLock } from "./model-locks.js";
import { sha256Of } from "./sha256.js";

const FORMAT = 1;

/** @typedef {import("./bundle-manifest.js").FileEntry} FileEntry */
/** @typedef {{store: FileSystemDirectoryHandle, parts: import("./part-files.js").PartFiles}} OpenStore */
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
 * @returns {Promise<FileEntry[]>}  files of the version before, which this one does not have
 */
export async function rememberModel(store, model) {
  return navigator.locks.request(MODELS_LOCK, async () => {
    const folder = await modelsFolder(store);
    const name = await fileName(model.url);
    const before = (await readModel(folder, name))?.files ?? [];
    // Of another graph of the same version: both are in use.
    const known = before.filter(({ sha256 }) => model.manifest.includes(sha256));
    const files = new Map([...known, ...model.files].map((file) => [file.sha256, file]));
    const entry = { ...model, format: FORMAT, lastUsedMs: Date.now(), files: [...files.values()] };
    const handle = /** @type {import("./access-handle.js").FileHandle} */ (
      await folder.getFileHandle(name, { create: true })
    );
    const access = await handle.createSyncAccessHandle();
    try {
      overwrite(access, new TextEncoder().encode(JSON.stringify(entry)));
    } finally {
      access.close();
    }
    return before.filter(({ sha256 }) => !files.has(sha256));
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
 * Takes a model off the list; for who holds the models' lock.
 *
 * @param {FileSystemDirectoryHandle} store
 * @param {string} url  the bundle's folder
 */
export async function forgetModel(store, url) {
  const folder = await modelsFolder(store);
  await folder.removeEntry(await fileName(url));
}

/**
 * What deleting a model frees: what no other one needs.
 *
 * @param {StoredModel} model
 * @param {readonly StoredModel[]} models  all
 * @param {Map<string, number>} sizes  of what is kept, by sha256
 * @returns {number} bytes
 */
export function ownBytes(model, models, sizes) {
  const shared = hashesOf(models.filter(({ url }) => url !== model.url));
  return model.files.reduce(
    (sum, { sha256 }) => (shared.has(sha256) ? sum : sum + (sizes.get(sha256) ?? 0)),
    0,
  );
}

/**
 * Deletes parts that no kept model needs, but for those that are being written.
 *
 * @param {OpenStore} opened
 * @param {readonly {sha256: string}[]} [candidates]  default: all that are kept
 * @returns {Promise<number>} bytes that are free
 */
export async function deleteUnreferenced(opened, candidates) {
  return navigator.locks.request(MODELS_LOCK, () => deleteUnreferencedParts(opened, candidates));
}

/**
 * The same, for who holds the models' lock.
 *
 * @param {OpenStore} opened
 * @param {readonly {sha256: string}[]} [candidates]
 */
export async function deleteUnreferencedParts({ store, parts }, candidates) {
  const needed = hashesOf(await readModels(store));
  const sizes = await parts.sizes();
  const names = candidates?.map(({ sha256 }) => sha256) ?? [...sizes.keys()];
  let freed = 0;
  for (const name of names) {
    if (needed.has(name) || !sizes.has(name)) continue;
    await navigator.locks.request(partLock(name), { ifAvailable: true }, async (lock) => {
      if (lock === null) return;
      await parts.delete(name);
      freed += sizes.get(name) ?? 0;
    });
  }
  return freed;
}

/** @param {readonly StoredModel[]} models */
export function hashesOf(models) {
  return new Set(models.flatMap(({ files }) => files.map(({ sha256 }) => sha256)));
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
