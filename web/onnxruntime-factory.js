// @ts-check
/**
 * Stands in for the factory of onnxruntime-web's emscripten module, to keep the module and the handle of its newest session.
 *
 * onnxruntime-web imports this file through `env.wasm.wasmPaths.mjs`; `?loader=` names the stock factory, which does all
 * the work. Whoever imports the same address gets at what was kept. Needed because the public API copies every tensor in
 * and out of the heap at each run, and wants external data in one piece. Knows nothing about models.
 *
 * @module
 */

/** @typedef {import("./wasm-heap.js").EmscriptenModule} EmscriptenModule */
/** @typedef {import("./wasm-heap.js").MountedFile} MountedFile */

/** @type {Map<string, MountedFile>} */
const waiting = new Map();
/** @type {EmscriptenModule | null} */
let keptModule = null;
let newestHandle = 0;

/**
 * @param {object} config  what onnxruntime-web passes to the stock factory
 * @returns {Promise<EmscriptenModule>}
 */
export default async function makeModule(config) {
  const loader = new URL(import.meta.url).searchParams.get("loader");
  if (loader === null) throw new Error("onnxruntime-factory.js was imported without ?loader=");
  const { default: stockFactory } = await import(loader);
  /** @type {EmscriptenModule} */
  const module = await stockFactory(config);
  const createSession = module._OrtCreateSession;
  module._OrtCreateSession = async (...pointers) => {
    for (const [path, file] of waiting) module.mountExternalData(path, file);
    waiting.clear();
    newestHandle = await createSession(...pointers);
    return newestHandle;
  };
  keptModule = module;
  return module;
}

/**
 * Offers a file of external data to the session that is made next; onnxruntime-web lets go of it afterwards.
 *
 * @param {string} path  as the graph names it
 * @param {MountedFile} file
 */
export function mountForNextSession(path, file) {
  waiting.set(path, file);
}

/** @returns {{module: EmscriptenModule, handle: number}} to be called after a session was made */
export function newestSession() {
  if (keptModule === null || newestHandle === 0) throw new Error("onnxruntime-web has made no session");
  return { module: keptModule, handle: newestHandle };
}
