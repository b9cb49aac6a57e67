// @ts-check
/**
 * Starts Python: Pyodide from this site's own files, with pagelm and what it needs installed from the site's lock file.
 *
 * Reaches no other host: every address Pyodide could guess is given. Knows nothing about models.
 *
 * @module
 */

import { counted } from "./byte-stream.js";
import { DeviceMemoryError, SiteError } from "./errors.js";
import { isOutOfMemory } from "./memory.js";

/**
 * @typedef {object} Python  the part of Pyodide's API that pagelm uses
 * @property {(name: string) => any} pyimport
 */

// loadPyodide never settles when the browser refuses its WASM; a slow connection still delivers bytes in this time.
const STALLED_AFTER_MS = 60_000;
const EMPTY_WASM = Uint8Array.of(0, 0x61, 0x73, 0x6d, 1, 0, 0, 0);

/**
 * @param {import("./site-index.js").SiteIndex} index
 * @param {(bytes: number) => void} count  called with the bytes of each piece that has arrived
 * @returns {Promise<Python>}
 */
export async function startPython(index, count) {
  checkWasmIsAllowed();
  const { python } = index.site;
  const watch = watchForStall();
  const counting = countFetches(index, (bytes) => {
    watch.progress();
    count(bytes);
  });
  try {
    return await Promise.race([boot(index, python), watch.stalled]);
  } catch (cause) {
    if (cause instanceof SiteError) throw cause;
    if (isOutOfMemory(cause)) {
      throw new DeviceMemoryError(`this browser tab has no memory for Python: ${cause}`, {
        expected: "some 20 MB for it to start in, and addresses for it to grow into",
        remedy: "Close other tabs and programs and reload.",
        cause,
      });
    }
    throw new SiteError(`Python did not start: ${cause}`, {
      expected: `Pyodide in ${index.at(python.pyodide)}`,
      remedy: "Reload; if it stays, build the site again with `pagelm site` and serve the whole folder.",
      cause,
    });
  } finally {
    watch.stop();
    counting.stop();
  }
}

/**
 * @param {import("./site-index.js").SiteIndex} index
 * @param {import("./site-index.js").Site["python"]} python
 * @returns {Promise<Python>}
 */
async function boot(index, python) {
  const { loadPyodide } = await import(index.at(python.module));
  return loadPyodide({
    indexURL: index.at(python.pyodide),
    stdLibURL: index.at(python.standard_library),
    lockFileURL: index.at(python.lock),
    packageBaseUrl: index.at(python.wheels),
    packages: python.packages,
  });
}

function checkWasmIsAllowed() {
  try {
    new WebAssembly.Module(EMPTY_WASM);
  } catch (cause) {
    throw new SiteError(`the browser refuses to compile WebAssembly here: ${cause}`, {
      expected: "a Content-Security-Policy with script-src 'self' 'wasm-unsafe-eval'",
      remedy: "Add 'wasm-unsafe-eval' to the policy that the server sends with worker.js.",
      cause,
    });
  }
}

/** A promise that rejects when no progress is made for long. */
function watchForStall() {
  /** @type {(reason: Error) => void} */
  let reject = () => {};
  /** @type {Promise<never>} */
  const stalled = new Promise((_, rejectStalled) => {
    reject = rejectStalled;
  });
  const giveUp = () =>
    reject(
      new SiteError(`Python made no progress for ${STALLED_AFTER_MS / 1000} s while it started`, {
        expected: "Pyodide to arrive and start",
        remedy:
          "Check the connection and the browser's console (a Content-Security-Policy can do this), then reload.",
      }),
    );
  let timer = setTimeout(giveUp, STALLED_AFTER_MS);
  return {
    stalled,
    progress: () => {
      clearTimeout(timer);
      timer = setTimeout(giveUp, STALLED_AFTER_MS);
    },
    stop: () => clearTimeout(timer),
  };
}

/**
 * Counts what Pyodide fetches. It takes no fetch function of ours, so the global one is replaced while it starts; other
 * addresses pass through untouched.
 *
 * @param {import("./site-index.js").SiteIndex} index
 * @param {(bytes: number) => void} count
 */
function countFetches(index, count) {
  const urls = new Set(index.site.python.fetches.map((path) => index.at(path)));
  const original = globalThis.fetch;
  globalThis.fetch = async (input, init) => {
    const url = input instanceof Request ? input.url : new URL(input, globalThis.location.href).href;
    const response = await original(input, init);
    return urls.has(url) && response.ok ? counted(response, count) : response;
  };
  return {
    stop: () => {
      globalThis.fetch = original;
    },
  };
}
