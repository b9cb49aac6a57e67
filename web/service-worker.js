// @ts-check
/**
 * Keeps one whole version of the site in this browser, and serves it from there with the headers that isolate a page.
 *
 * The version it was built for is fetched whole into a cache of its own, each file checked against site.json, before it
 * takes over; what is not of that version is never served. Models are none of its business: the store keeps them. A classic
 * script in one file, because Firefox had no modules here. Follows docs/contracts.md, "Service worker".
 *
 * @module
 */

const SITE_VERSION = "unbuilt";

/** The scope of a service worker; the types of this project are those of a page. @type {any} */
const worker = globalThis;
const SCOPE = new URL("./", worker.location.href).href;
const INDEX_URL = new URL("site.json", SCOPE).href;
// Sites of other folders share the origin's caches.
const CACHE_PREFIX = `pagelm-site ${SCOPE} `;
const CACHE_NAME = CACHE_PREFIX + SITE_VERSION;
const PARALLEL_FETCHES = 4;
const GONE_AGAIN_MS = 5_000; // a host that is being changed lacks its files for moments
const NOT_KEPT = /^(models|licenses)\/|^service-worker\.js$/;

/** @typedef {{bytes: number, sha256: string}} FileEntry */
/**
 * @typedef {object} Index  of site.json, what is used here
 * @property {string} version
 * @property {Record<string, string>} headers
 * @property {Record<string, FileEntry>} files
 * @property {{builds: Record<string, {module: string, loader: string, binary: string}>}} onnxruntime_web
 */

worker.addEventListener("install", (/** @type {any} */ event) => event.waitUntil(install()));
worker.addEventListener("activate", (/** @type {any} */ event) => event.waitUntil(deleteOtherVersions()));
worker.addEventListener("message", (/** @type {any} */ event) => {
  const { kind, version } = event.data;
  if (kind === "claim" && version === SITE_VERSION) event.waitUntil(worker.clients.claim());
  if (kind === "mayTakeOver") event.waitUntil(tellWhetherAlone(event.source.id, event.ports[0]));
  if (kind === "takeOver") event.waitUntil(worker.skipWaiting());
});
worker.addEventListener("fetch", (/** @type {any} */ event) => {
  const { request } = event;
  const path = request.method === "GET" ? pathOf(request.url) : null;
  if (path === null || NOT_KEPT.test(path)) return;
  if (request.mode === "navigate") event.waitUntil(leaveIfTheSiteIsGone());
  event.respondWith(answer(request, path));
});

/**
 * A path as site.json has it; null outside of the site.
 * @param {string} address
 */
function pathOf(address) {
  const url = new URL(address);
  url.search = "";
  url.hash = "";
  if (!url.href.startsWith(SCOPE)) return null;
  return url.href.slice(SCOPE.length) || "index.html";
}

async function install() {
  try {
    const response = await fetch(INDEX_URL, { cache: "no-store" });
    if (!response.ok) throw new Error(`site.json: HTTP status ${response.status}`);
    const text = await response.text();
    /** @type {Index} */
    const index = JSON.parse(text);
    if (index.version !== SITE_VERSION) throw new Error("the site is being changed at this moment");
    const cache = await caches.open(CACHE_NAME);
    await keepFiles(cache, index);
    // Last: a cache with an index is whole.
    await cache.put(INDEX_URL, kept(text, "application/json", index));
    // A deleted cache takes files on.
    const isThere = await caches.match(INDEX_URL, { cacheName: CACHE_NAME });
    if (!isThere) throw new Error("what was kept of the new version has been deleted meanwhile");
  } catch (error) {
    await tellPages({ kind: "failed", message: error instanceof Error ? error.message : String(error) });
    throw error;
  }
}

/**
 * @param {Cache} cache
 * @param {Index} index
 */
async function keepFiles(cache, index) {
  const paths = neededPaths(index);
  const present = new Set((await cache.keys()).map(({ url }) => pathOf(url)));
  const earlier = await earlierVersions();
  const totalBytes = paths.reduce((sum, path) => sum + index.files[path].bytes, 0);
  let loadedBytes = 0;
  const open = [...paths];
  const lane = async () => {
    for (let path = open.shift(); path !== undefined; path = open.shift()) {
      if (!present.has(path)) {
        const found = (await copyEarlier(earlier, path, index)) ?? (await fetchFile(path, index));
        await cache.put(new URL(path, SCOPE).href, found);
      }
      loadedBytes += index.files[path].bytes;
      await tellPages({ kind: "installing", loadedBytes, totalBytes });
    }
  };
  await Promise.all(Array.from({ length: PARALLEL_FETCHES }, lane));
}

/**
 * All but the builds of onnxruntime-web that this browser cannot use.
 * @param {Index} index
 */
function neededPaths(index) {
  const used = ["wasm"];
  if ("gpu" in navigator) used.push("Suspending" in WebAssembly ? "jspi" : "asyncify");
  const unused = Object.entries(index.onnxruntime_web.builds)
    .filter(([name]) => !used.includes(name))
    .flatMap(([, build]) => Object.values(build));
  return Object.keys(index.files).filter((path) => !NOT_KEPT.test(path) && !unused.includes(path));
}

/**
 * @param {string} path
 * @param {Index} index
 * @returns {Promise<Response>}
 * @throws {Error} when it cannot be fetched, or is of another version
 */
async function fetchFile(path, index) {
  const { sha256 } = index.files[path];
  // Hosts may redirect index.html to its folder, and some cannot serve it under its name.
  const url = new URL(path === "index.html" ? "./" : path, SCOPE).href;
  for (const cache of /** @type {RequestCache[]} */ (["default", "reload"])) {
    const response = await fetch(url, { cache, priority: "low" });
    if (!response.ok) throw new Error(`${path}: HTTP status ${response.status}`);
    const bytes = await response.arrayBuffer();
    if ((await sha256Of(bytes)) === sha256) return kept(bytes, response.headers.get("content-type"), index);
  }
  throw new Error(`${path} has another sha256 than site.json says`);
}

/** @returns {Promise<{cache: Cache, index: Index}[]>} */
async function earlierVersions() {
  const found = [];
  for (const name of await caches.keys()) {
    if (!name.startsWith(CACHE_PREFIX) || name === CACHE_NAME) continue;
    const cache = await caches.open(name);
    const index = await (await cache.match(INDEX_URL))?.json();
    if (index) found.push({ cache, index });
  }
  return found;
}

/**
 * @param {{cache: Cache, index: Index}[]} earlier
 * @param {string} path
 * @param {Index} index
 */
async function copyEarlier(earlier, path, index) {
  for (const { cache, index: its } of earlier) {
    if (its.files[path]?.sha256 !== index.files[path].sha256) continue;
    const response = await cache.match(new URL(path, SCOPE).href);
    if (response) return kept(await response.arrayBuffer(), response.headers.get("content-type"), index);
  }
  return null;
}

/**
 * @param {BodyInit} body
 * @param {string | null} type
 * @param {Index} index
 */
function kept(body, type, index) {
  return new Response(body, {
    headers: { ...index.headers, "content-type": type ?? "application/octet-stream" },
  });
}

/** But for a newer one that is coming: what stays for its sake goes when it, or the one after it, takes over. */
async function deleteOtherVersions() {
  const names = await caches.keys();
  const { installing, waiting } = worker.registration;
  if (installing || waiting) return;
  for (const name of names) {
    if (name.startsWith(CACHE_PREFIX) && name !== CACHE_NAME) await caches.delete(name);
  }
}

/**
 * @param {Request} request
 * @param {string} path
 */
async function answer(request, path) {
  const cache = await caches.open(CACHE_NAME);
  const found = await cache.match(new URL(path, SCOPE).href);
  if (found) return found;
  /** @type {Index | undefined} */
  const index = await (await cache.match(INDEX_URL))?.json();
  if (!index) {
    // The browser has deleted what was kept.
    await worker.registration.unregister();
    await caches.delete(CACHE_NAME);
  }
  if (!index || !Object.hasOwn(index.files, path)) return fetch(request);
  let fetched;
  try {
    fetched = await fetchFile(path, index);
  } catch (error) {
    const why = error instanceof Error ? error.message : error;
    return new Response(`This file of the page's version cannot be had: ${why}`, { status: 502 });
  }
  // Storage that is full costs only that it is fetched again.
  await cache.put(new URL(path, SCOPE).href, fetched.clone()).catch(() => {});
  return fetched;
}

/**
 * A version is never replaced under another page that is open.
 * @param {string} asker  id of the page that starts
 * @param {MessagePort} port
 */
async function tellWhetherAlone(asker, port) {
  /** @type {{id: string, url: string}[]} */
  const pages = await worker.clients.matchAll({ type: "window", includeUncontrolled: true });
  const alone = pages.every(({ id, url }) => id === asker || !url.startsWith(SCOPE));
  port.postMessage({ alone });
}

/**
 * Another site may have come to this address: then this one must not stay in front of it. Pages that are open are served
 * until they close, so the cache stays: the next version that is kept here deletes it.
 */
async function leaveIfTheSiteIsGone() {
  if (!(await isGone())) return;
  await new Promise((resolve) => setTimeout(resolve, GONE_AGAIN_MS));
  if (await isGone()) await worker.registration.unregister();
}

async function isGone() {
  const response = await fetch(INDEX_URL, { cache: "no-store" }).catch(() => null);
  return response?.status === 404 || response?.status === 410;
}

/** @param {object} message */
async function tellPages(message) {
  for (const page of await worker.clients.matchAll({ includeUncontrolled: true })) page.postMessage(message);
}

/** @param {ArrayBuffer} bytes */
async function sha256Of(bytes) {
  const digest = new Uint8Array(await crypto.subtle.digest("SHA-256", bytes));
  return Array.from(digest, (byte) => byte.toString(16).padStart(2, "0")).join("");
}
