// @ts-check
/**
 * Which models this browser keeps: for each address of a bundle its manifest, the files it needs and when it was last used.
 *
 * A version that is being loaded stands beside the last whole one and takes its place when all of it has come.
 * A list beside the parts, which it does not prove to be there. An entry that cannot be read counts as none: its parts are
 * then just parts. Layout: docs/contracts.md, "Store".
 *
 * @module
 */

import { overwrite } from "./access-handle.js";
import { MODELS_LOCK } from "./model-locks.js";
import { sha256Of } from "./sha256.js";

const FORMAT = 1;

/** @typedef {import("./bundle-manifest.js").FileEntry} FileEntry */
/**
 * @typedef {object} StoredModel
 * @property {number} format
 * @property {string} url  the bundle's folder
 * @property {string} name
 * @property {number} lastUsedMs  since the epoch
 * @property {string} manifest  the text, as it was served, of the last version that came whole; of the first one until then
 * @property {FileEntry[]} files  of that version, that the graphs which were used need; none until one came whole
 * @property {Version | null} [pending]  what is being loaded, or was cut
 */
/** @typedef {Pick<StoredModel, "name" | "manifest" | "files">} Version */
/** @typedef {Version & {url: string, hasWeights: boolean}} LoadedModel  what a load needs: all of a graph, or the graph alone */

/** @param {FileSystemDirectoryHandle} store */
function modelsFolder(store) {
  return store.getDirectoryHandle("models", { create: true });
}

/** @param {string} url */
async function fileName(url) {
  return `${(await sha256Of(new TextEncoder().encode(url))).slice(0, 16)}.json`;
}

/**
 * Writes down that a model is used now, and what its load needs beside the last version that came whole. In workers only.
 *
 * @param {FileSystemDirectoryHandle} store
 * @param {LoadedModel} model
 * @returns {Promise<FileEntry[]>}  files that the entry named before and does not name now
 */
export function rememberModel(store, { url, hasWeights: _, ...loading }) {
  return changeEntry(store, url, (before) => {
    const kept = before !== null && before.files.length > 0 ? before : { ...loading, files: [] };
    const lacking = kept.manifest === loading.manifest ? without(loading.files, kept.files) : loading.files;
    // A kept copy that is used meanwhile leaves what has come of the newer version.
    if (lacking.length === 0) return { ...kept, pending: before?.pending ?? null };
    const begun = before?.pending?.manifest === loading.manifest ? before.pending.files : [];
    return { ...kept, pending: { ...loading, files: joined(begun, loading.files) } };
  });
}

/**
 * Writes down that all of a load is here: from now on this is the version that is kept. In workers only.
 *
 * @param {FileSystemDirectoryHandle} store
 * @param {LoadedModel} model
 * @returns {Promise<FileEntry[]>}  files that the entry named before and does not name now
 */
export function settleModel(store, { url, hasWeights, ...whole }) {
  return changeEntry(store, url, (before) => {
    const pending = before?.pending ?? null;
    const isKept = before !== null && before.files.length > 0 && before.manifest === whole.manifest;
    // A graph alone is no version.
    if (!hasWeights && !isKept) return before ?? { ...whole, files: [], pending: whole };
    const files = joined(ofVersion(before?.files ?? [], whole.manifest), whole.files);
    const open = pending?.manifest === whole.manifest ? without(pending.files, files) : pending?.files;
    return {
      ...whole,
      files,
      pending: pending !== null && open?.length ? { ...pending, files: open } : null,
    };
  });
}

/**
 * Files of other graphs of the same version, which are in use too.
 *
 * @param {readonly FileEntry[]} files
 * @param {string} manifest
 */
export function ofVersion(files, manifest) {
  return files.filter(({ sha256 }) => manifest.includes(sha256));
}

/**
 * @param {FileSystemDirectoryHandle} store
 * @param {string} url
 * @param {(before: StoredModel | null) => Version & Pick<StoredModel, "pending">} change
 * @returns {Promise<FileEntry[]>}  files that the entry named before and does not name now
 */
async function changeEntry(store, url, change) {
  return navigator.locks.request(MODELS_LOCK, async () => {
    const folder = await modelsFolder(store);
    const name = await fileName(url);
    const before = await readModel(folder, name);
    const entry = { ...change(before), format: FORMAT, url, lastUsedMs: Date.now() };
    const handle = /** @type {import("./access-handle.js").FileHandle} */ (
      await folder.getFileHandle(name, { create: true })
    );
    const access = await handle.createSyncAccessHandle();
    try {
      overwrite(access, new TextEncoder().encode(JSON.stringify(entry)));
    } finally {
      access.close();
    }
    return before === null ? [] : without(neededFiles(before), neededFiles(entry));
  });
}

/**
 * What of a model must stay: the last whole version, and what has come of a newer one.
 *
 * @param {StoredModel} model
 * @returns {FileEntry[]}
 */
export function neededFiles({ files, pending }) {
  return joined(files, pending?.files ?? []);
}

/**
 * @param {readonly FileEntry[]} files
 * @param {readonly FileEntry[]} more
 */
function joined(files, more) {
  return [...new Map([...files, ...more].map((file) => [file.sha256, file])).values()];
}

/**
 * @param {readonly FileEntry[]} files
 * @param {readonly FileEntry[]} others
 */
export function without(files, others) {
  const hashes = new Set(others.map(({ sha256 }) => sha256));
  return files.filter(({ sha256 }) => !hashes.has(sha256));
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
 * @param {FileSystemDirectoryHandle} folder
 * @param {string} name
 * @returns {Promise<StoredModel | null>}
 */
async function readModel(folder, name) {
  try {
    const handle = await folder.getFileHandle(name);
    const model = JSON.parse(await (await handle.getFile()).text());
    const isReadable =
      model?.format === FORMAT && [model.files, model.pending?.files ?? []].every(Array.isArray);
    return isReadable ? model : null;
  } catch {
    // Not there, being written, or cut off by a crash.
    return null;
  }
}
