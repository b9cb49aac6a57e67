// @ts-check
/**
 * Which parts the kept models need, what deleting one of them frees, and the deleting of what none needs.
 *
 * Under the models' lock, so that no entry comes meanwhile. Knows no network. Contract: docs/contracts.md, "Store".
 *
 * @module
 */

import { MODELS_LOCK, partLock } from "./model-locks.js";
import { neededFiles, ofVersion, readModels, without } from "./stored-models.js";

/** @typedef {import("./bundle-manifest.js").FileEntry} FileEntry */
/** @typedef {import("./stored-models.js").StoredModel} StoredModel */
/** @typedef {import("./stored-models.js").LoadedModel} LoadedModel */
/** @typedef {{store: FileSystemDirectoryHandle, parts: import("./part-files.js").PartFiles}} OpenStore */

/**
 * What deleting a model frees: what no other one needs.
 *
 * @param {StoredModel} model
 * @param {readonly StoredModel[]} models  all
 * @param {Map<string, number>} sizes  of what is kept, by sha256
 * @returns {number} bytes
 */
export function ownBytes(model, models, sizes) {
  return bytesOfOwn(neededFiles(model), model.url, models, sizes);
}

/**
 * What a load that is whole frees, beside what it needs itself: the version before.
 *
 * @param {LoadedModel} loading
 * @param {readonly StoredModel[]} models  all
 * @param {Map<string, number>} sizes  of what is kept, by sha256
 * @returns {number} bytes
 */
export function supersededBytes({ url, manifest, hasWeights }, models, sizes) {
  const before = models.find((model) => model.url === url)?.files ?? [];
  if (!hasWeights) return 0;
  return bytesOfOwn(without(before, ofVersion(before, manifest)), url, models, sizes);
}

/**
 * @param {readonly FileEntry[]} files
 * @param {string} owner  url
 * @param {readonly StoredModel[]} models
 * @param {Map<string, number>} sizes
 */
function bytesOfOwn(files, owner, models, sizes) {
  const shared = hashesOf(models.filter(({ url }) => url !== owner));
  return files.reduce((sum, { sha256 }) => (shared.has(sha256) ? sum : sum + (sizes.get(sha256) ?? 0)), 0);
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
  return new Set(models.flatMap((model) => neededFiles(model).map(({ sha256 }) => sha256)));
}
