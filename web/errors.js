// @ts-check
/**
 * The named errors of the JavaScript side and the two conversions at the worker's border.
 *
 * Names and wording follow `pagelm.errors`: what was wrong, what was expected, what to do. Knows nothing about who
 * shows them.
 *
 * @module
 */

/** @typedef {import("./protocol.js").ErrorDescription} ErrorDescription */

/** Base of the errors raised on purpose. */
class PagelmError extends Error {
  /**
   * @param {string} problem  what was wrong, naming the file or key
   * @param {{expected: string, remedy: string, cause?: unknown}} facts
   */
  constructor(problem, { expected, remedy, cause }) {
    super(`${problem} (expected ${expected}). ${remedy}`, cause === undefined ? undefined : { cause });
    this.name = new.target.name;
    // Python builds its own error of these when one passes through it.
    this.problem = problem;
    this.expected = expected;
    this.remedy = remedy;
  }
}

/** A model bundle cannot be used. */
class BundleError extends PagelmError {}
/** manifest.json is missing, not JSON, or a key is absent. */
export class ManifestError extends BundleError {}
/** The bundle was written for another format version. */
export class FormatVersionError extends BundleError {}
/** A file that the manifest names is not there. */
export class PartMissingError extends BundleError {}
/** A file has another size or hash than the manifest says. */
export class PartAlteredError extends BundleError {}
/** site.json, Pyodide or onnxruntime-web cannot be loaded. */
export class SiteError extends PagelmError {}
/** The backend refused or failed. */
export class BackendError extends PagelmError {}
/** No such backend here. */
export class BackendUnavailableError extends BackendError {}
/** The GPU went away or refused a command, or WebAssembly broke down: nothing that is computed there can be trusted. */
export class DeviceLostError extends BackendError {}
/** The memory of the GPU, or of this tab, does not hold what was asked for. */
export class DeviceMemoryError extends BackendError {}
/** The backend says other tokens than the bundle's model does: nothing it computes can be trusted. */
export class WrongTokensError extends BackendError {}
/** A message between page and worker has the wrong shape. */
export class ProtocolError extends PagelmError {}
/** A response format asks for what cannot be said, or for what cannot be checked. */
export class GrammarError extends PagelmError {}
/** A saved chat cannot be read, or is another model's. */
export class SavedChatError extends PagelmError {}
/** A kept model cannot be listed, checked or deleted now, or none is kept at this address. */
export class StoredModelError extends PagelmError {}
/** Whoever asked for a load has stopped it. */
export class LoadCancelledError extends PagelmError {}
/** The worker itself could not start or broke. */
export class WorkerError extends PagelmError {}

/** An error that was raised in the worker, as the page sees it: the worker's name and message, kept. */
export class RemoteError extends Error {
  /** @param {ErrorDescription} description */
  constructor({ name, message, detail }) {
    super(message);
    this.name = name;
    /** Traceback or stack of the worker's side, for developers. */
    this.detail = detail;
  }
}

/**
 * The one way an error leaves the worker.
 *
 * A Python exception keeps its class and its message; the traceback that Pyodide puts into `message` becomes `detail`.
 *
 * @param {unknown} error
 * @returns {ErrorDescription}
 */
export function describeError(error) {
  if (!(error instanceof Error)) return { name: "Error", message: String(error) };
  if (isPythonError(error)) {
    return { name: error.type, message: lastMessage(error.message, error.type), detail: error.message };
  }
  if (error instanceof RemoteError) return { name: error.name, message: error.message, detail: error.detail };
  const cause = error.cause instanceof Error ? `\ncaused by ${error.cause.stack ?? error.cause}` : "";
  return { name: error.name, message: error.message, detail: `${error.stack ?? ""}${cause}` };
}

/**
 * An error as the page shows it.
 *
 * @param {unknown} error
 * @returns {ErrorDescription}
 */
export function describe(error) {
  if (!(error instanceof Error)) return { name: "Error", message: String(error) };
  const detail = "detail" in error && typeof error.detail === "string" ? error.detail : error.stack;
  return { name: error.name, message: error.message, detail };
}

/**
 * What a call into Python threw, as what it means: a Python exception and an error raised on purpose stay themselves;
 * anything else (a trap of WebAssembly, an interpreter that failed before) means that this worker is of no more use.
 *
 * @param {unknown} error
 * @returns {unknown}
 */
export function namePythonFailure(error) {
  if (error instanceof PagelmError || isPythonError(error)) return error;
  return new WorkerError(`Python broke down: ${error}`, {
    expected: "an interpreter that keeps running",
    remedy: "Load the model again; if it happens again, close other tabs, since memory may be short.",
    cause: error,
  });
}

/**
 * @param {unknown} error
 * @returns {error is Error & {type: string}}
 */
function isPythonError(error) {
  if (!(error instanceof Error)) return false;
  return error.name === "PythonError" && typeof (/** @type {any} */ (error).type) === "string";
}

/**
 * What follows `package.module.ClassName: ` at the end of a traceback; several lines when the message has several.
 *
 * @param {string} traceback
 * @param {string} type  the exception's class name
 */
function lastMessage(traceback, type) {
  const lines = traceback.trimEnd().split("\n");
  for (let i = lines.length - 1; i >= 0; i--) {
    const colon = lines[i].indexOf(":");
    const head = colon === -1 ? lines[i] : lines[i].slice(0, colon);
    if (head !== type && !head.endsWith(`.${type}`)) continue;
    const first = colon === -1 ? "" : lines[i].slice(colon + 1).trimStart();
    return [first, ...lines.slice(i + 1)].join("\n").trim();
  }
  return lines[lines.length - 1];
}
