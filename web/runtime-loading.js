// @ts-check
/**
 * Python and the builds of onnxruntime-web that a load needs, as its one stage `runtime`.
 *
 * A build is loaded once, when a backend asks for it: mostly there is one, and another when that backend is of no use here.
 *
 * @module
 */

import { chooseBuild, chooseThreads, loadOnnxRuntime } from "./onnxruntime.js";
import { startPython } from "./python-runtime.js";

/** @typedef {import("./onnxruntime.js").OnnxRuntime} OnnxRuntime */

export class RuntimeLoading {
  #index;
  #threads;
  #progress;
  #signal;
  #loadedBytes = 0;
  #totalBytes = 0;
  /** @type {Map<string, Promise<OnnxRuntime>>} by build */
  #builds = new Map();

  /**
   * @param {import("./site-index.js").SiteIndex} index
   * @param {number | undefined} threads  what was asked for
   * @param {(progress: import("./protocol.js").Progress) => void} progress
   * @param {AbortSignal} [signal]  stops what is fetched
   */
  constructor(index, threads, progress, signal) {
    this.#index = index;
    this.#threads = threads;
    this.#progress = progress;
    this.#signal = signal;
  }

  startPython() {
    return this.#counting(this.#index.site.python.fetches, (count) => startPython(this.#index, count));
  }

  /**
   * @param {import("./protocol.js").BackendName} backend
   * @returns {Promise<OnnxRuntime>} the same for the same build
   */
  loadOnnxRuntime(backend) {
    const build = chooseBuild(backend);
    const before = this.#builds.get(build);
    if (before) return before;
    const { module, binary } = this.#index.site.onnxruntime_web.builds[build];
    const threads = backend === "wasm" ? chooseThreads(this.#threads).threads : 1;
    const loading = this.#counting([module, binary], (count) =>
      loadOnnxRuntime(this.#index, build, threads, count, this.#signal),
    );
    this.#builds.set(build, loading);
    return loading;
  }

  /**
   * @template Result
   * @param {string[]} paths  that the work fetches
   * @param {(count: (bytes: number) => void) => Promise<Result>} work
   */
  async #counting(paths, work) {
    let left = this.#index.bytesOf(paths);
    const count = (/** @type {number} */ bytes) => {
      const counted = Math.min(bytes, left);
      left -= counted;
      this.#loadedBytes += counted;
      this.#progress({ stage: "runtime", loadedBytes: this.#loadedBytes, totalBytes: this.#totalBytes });
    };
    this.#totalBytes += left;
    count(0);
    const result = await work(count);
    // Modules are imported, and imports cannot be counted on their way.
    count(left);
    return result;
  }
}
