// @ts-check
/** A host, a browser's caches, and service-worker.js of one version after another running between them. */

import { createHash, webcrypto } from "node:crypto";
import { readFileSync } from "node:fs";
import vm from "node:vm";

const ROOT = "http://site/";
const SCRIPT = readFileSync(new URL("../../web/service-worker.js", import.meta.url), "utf8");

/** @param {string} text */
const sha256 = (text) => createHash("sha256").update(text).digest("hex");

export class FakeCache {
  /** @type {Map<string, Response>} */
  #kept = new Map();
  isFull = false;

  /** @param {string} url */
  async match(url) {
    return this.#kept.get(url)?.clone();
  }

  /** @param {string} url @param {Response} response */
  async put(url, response) {
    if (this.isFull) throw new DOMException("full", "QuotaExceededError");
    this.#kept.set(url, response);
  }

  async keys() {
    return [...this.#kept.keys()].map((url) => ({ url }));
  }
}

export class FakeSite {
  /** @type {Record<string, string>} by path */
  files = {};
  /** A request that the host answers only then. @type {{path: string, until: Promise<void>} | null} */
  held = null;
  isUp = true;
  unregistered = 0;
  /** @type {Map<string, FakeCache>} */
  caches = new Map();
  /** What the browser has at this moment. @type {{installing: object | null, waiting: object | null}} */
  versions = { installing: null, waiting: null };
  /** Waits that a worker asked for. @type {number[]} */
  waits = [];
  /** Runs in place of such a wait. */
  onWait = () => {};

  /**
   * Puts a version on the host.
   * @param {string} version
   * @param {Record<string, string>} [unused]  files that no browser here installs
   */
  deploy(version, unused = {}) {
    const files = {
      "index.html": `index ${version}`,
      "a.js": `a ${version}`,
      "b.js": `b ${version}`,
      ...unused,
    };
    const index = {
      version,
      headers: {},
      files: Object.fromEntries(
        Object.entries(files).map(([path, text]) => [path, { bytes: text.length, sha256: sha256(text) }]),
      ),
      onnxruntime_web: {
        builds: { unused: Object.fromEntries(Object.keys(unused).map((path) => [path, path])) },
      },
    };
    this.files = { ...files, "site.json": JSON.stringify(index) };
  }

  async #fetch(/** @type {string | {url: string}} */ request) {
    const url = typeof request === "string" ? request : request.url;
    const path = url.slice(ROOT.length) || "index.html";
    if (!this.isUp) throw new TypeError("Failed to fetch");
    if (this.held?.path === path) await this.held.until;
    return path in this.files ? new Response(this.files[path]) : new Response("", { status: 404 });
  }

  /**
   * The script as the site's build writes it for this version.
   * @param {string} version
   */
  worker(version) {
    /** @type {Record<string, (event: object) => void>} */
    const listeners = {};
    /** @type {Record<string, unknown>} */
    const scope = {
      addEventListener: (/** @type {string} */ kind, /** @type {any} */ listener) => {
        listeners[kind] = listener;
      },
      location: { href: `${ROOT}service-worker.js` },
      clients: { matchAll: async () => [] },
      registration: Object.defineProperties(
        { unregister: async () => this.unregistered++ },
        {
          installing: { get: () => this.versions.installing },
          waiting: { get: () => this.versions.waiting },
        },
      ),
      caches: {
        open: async (/** @type {string} */ name) => {
          if (!this.caches.has(name)) this.caches.set(name, new FakeCache());
          return this.caches.get(name);
        },
        keys: async () => [...this.caches.keys()],
        delete: async (/** @type {string} */ name) => this.caches.delete(name),
        match: async (/** @type {string} */ url, /** @type {{cacheName: string}} */ { cacheName }) =>
          this.caches.get(cacheName)?.match(url),
      },
      fetch: (/** @type {any} */ request) => this.#fetch(request),
      setTimeout: (/** @type {() => void} */ done, /** @type {number} */ ms) => {
        this.waits.push(ms);
        this.onWait();
        done();
      },
      crypto: webcrypto,
      navigator: {},
      Response,
      URL,
      WebAssembly,
    };
    scope.globalThis = scope;
    vm.runInNewContext(SCRIPT.replace('"unbuilt"', JSON.stringify(version)), scope);
    return new FakeWorker(listeners);
  }

  /** @returns {string[]} versions that have a cache */
  keptVersions() {
    return [...this.caches.keys()].map((name) => name.split(" ").at(-1) ?? "");
  }
}

class FakeWorker {
  #listeners;

  /** @param {Record<string, (event: object) => void>} listeners */
  constructor(listeners) {
    this.#listeners = listeners;
  }

  /** @param {"install" | "activate"} kind @returns {Promise<void>} */
  run(kind) {
    let work = Promise.resolve();
    this.#listeners[kind]({ waitUntil: (/** @type {Promise<void>} */ promise) => (work = promise) });
    return work;
  }

  /**
   * @param {string} path
   * @param {"navigate" | "no-cors"} [mode]
   * @returns {Promise<{status: number, text: string}>} when all that it began is done
   */
  async get(path, mode = "no-cors") {
    /** @type {Promise<Response>[]} */
    const answers = [];
    /** @type {Promise<void>[]} */
    const works = [];
    this.#listeners.fetch({
      request: { method: "GET", url: ROOT + path, mode },
      respondWith: (/** @type {Promise<Response>} */ promise) => answers.push(promise),
      waitUntil: (/** @type {Promise<void>} */ promise) => works.push(promise),
    });
    const response = await answers[0];
    await Promise.all(works);
    return { status: response.status, text: await response.text() };
  }
}
