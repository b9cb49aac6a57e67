// @ts-check
/** The origin's private file system, and the locks that guard it, in memory. */

/** @param {string} message @param {string} name */
const failure = (message, name) => new DOMException(message, name);

class FakeFile {
  kind = "file";
  bytes = new Uint8Array();

  /** @param {FakeStorage} storage */
  constructor(storage) {
    this.storage = storage;
  }

  async getFile() {
    return new File([this.bytes], "part");
  }

  async createSyncAccessHandle() {
    return {
      getSize: () => this.bytes.length,
      truncate: (/** @type {number} */ size) => this.resize(size),
      write: (/** @type {Uint8Array} */ from, /** @type {{at: number}} */ { at }) => {
        this.resize(Math.max(this.bytes.length, at + from.length));
        this.bytes.set(from, at);
        return from.length;
      },
      read: (/** @type {Uint8Array} */ into, /** @type {{at: number}} */ { at }) => {
        const found = this.bytes.subarray(at, at + into.length);
        into.set(found);
        return found.length;
      },
      close: () => {},
    };
  }

  /** @param {number} size */
  resize(size) {
    if (this.storage.usage - this.bytes.length + size > this.storage.quota)
      throw failure("full", "QuotaExceededError");
    const resized = new Uint8Array(size);
    resized.set(this.bytes.subarray(0, size));
    this.bytes = resized;
  }
}

class FakeFolder {
  kind = "directory";
  /** @type {Map<string, FakeFile | FakeFolder>} */
  entries = new Map();

  /** @param {FakeStorage} storage */
  constructor(storage) {
    this.storage = storage;
  }

  /** @param {string} name */
  async getDirectoryHandle(name) {
    if (!this.entries.has(name)) this.entries.set(name, new FakeFolder(this.storage));
    return this.entries.get(name);
  }

  /** @param {string} name @param {{create?: boolean}} [options] */
  async getFileHandle(name, options) {
    if (!this.entries.has(name)) {
      if (!options?.create) throw failure(name, "NotFoundError");
      this.entries.set(name, new FakeFile(this.storage));
    }
    return this.entries.get(name);
  }

  /** @param {string} name */
  async removeEntry(name) {
    if (!this.entries.delete(name)) throw failure(name, "NotFoundError");
  }

  async *keys() {
    yield* [...this.entries.keys()];
  }

  async *[Symbol.asyncIterator]() {
    yield* [...this.entries];
  }

  /** @returns {number} */
  get size() {
    return [...this.entries.values()].reduce(
      (sum, entry) => sum + (entry instanceof FakeFile ? entry.bytes.length : entry.size),
      0,
    );
  }
}

export class FakeStorage {
  quota = 1e9;
  root = new FakeFolder(this);

  get usage() {
    return this.root.size;
  }

  /** Puts it where scripts look for a browser's. */
  install() {
    const navigator = {
      storage: {
        getDirectory: async () => this.root,
        estimate: async () => ({ quota: this.quota, usage: this.usage }),
      },
      locks: {
        request: async (/** @type {any[]} */ ...order) => order.at(-1)({}),
        query: async () => ({ held: [] }),
      },
    };
    Object.defineProperty(globalThis, "navigator", { value: navigator, configurable: true });
  }

  /** @param {string} name @returns {Promise<string[]>} the contents of the store's folder of that name, in order */
  async contents(name) {
    const store = /** @type {FakeFolder} */ (await this.root.getDirectoryHandle("pagelm-store-1"));
    const folder = /** @type {FakeFolder} */ (await store.getDirectoryHandle(name));
    const files = /** @type {FakeFile[]} */ ([...folder.entries.values()]);
    return files.map(({ bytes }) => new TextDecoder().decode(bytes)).sort();
  }
}
