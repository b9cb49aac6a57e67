// @ts-check
/**
 * The files of one load, for the backends that are tried one after the other: what all of them need comes once.
 *
 * WASM gives its weights up once it has a session; they are then read again, from the store if there is one.
 *
 * @module
 */

/** @typedef {import("./bundle-store.js").BundleFiles} BundleFiles */

export class ModelFiles {
  #bundle;
  #options;
  /** @type {BundleFiles | null} of the graph that was asked for last */
  #files = null;
  #graph = "";

  /**
   * @param {Pick<import("./bundle-store.js").Bundle, "graph" | "fetchAll" | "fetchGraph">} bundle
   * @param {import("./bundle-store.js").FetchOptions} options
   */
  constructor(bundle, options) {
    this.#bundle = bundle;
    this.#options = options;
  }

  /**
   * @param {string} graph  key of the manifest's `graphs`
   * @returns {Promise<BundleFiles>}
   */
  async of(graph) {
    const entry = this.#bundle.graph(graph);
    const before = this.#files;
    if (before === null || before.weights.byteLength === 0) {
      this.#files = await this.#bundle.fetchAll(entry, this.#options);
    } else if (this.#graph !== graph) {
      const { signal } = this.#options;
      this.#files = { ...before, graph: await this.#bundle.fetchGraph(entry, { ...(signal && { signal }) }) };
    }
    this.#graph = graph;
    return /** @type {BundleFiles} */ (this.#files);
  }

  /** Lets go of them: the weights are large, and the backend that runs has its own. */
  release() {
    this.#files = null;
  }
}
