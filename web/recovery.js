// @ts-check
/**
 * What is done when a worker, or what it computes on, is lost, and what a person reads then.
 *
 * Pure: no worker, no clock, no DOM. Its limits are in docs/reliability.md.
 *
 * @module
 */

/** @typedef {import("./protocol.js").BackendName} BackendName */
/** @typedef {import("./protocol.js").BackendPreference} BackendPreference */
/** @typedef {import("./protocol.js").ErrorDescription} ErrorDescription */

/** again: load as before · wasm: load without WebGPU */
/** @typedef {"again" | "wasm"} RecoveryStep */

/** A model that has worked for so long has got over its last loss. */
export const SHORT_TIME_MS = 60_000;

/** Why WebGPU is not taken again, as a clause. */
export const WEBGPU_FAILED = "WebGPU failed twice in a row";

/**
 * Whether loading again may help after it: any other error would come again.
 * @param {Pick<ErrorDescription, "name">} error
 */
export function isLoss(error) {
  return isFatal(error) || error.name === "DeviceMemoryError";
}

/**
 * Whether the worker is of no more use after it.
 * @param {Pick<ErrorDescription, "name">} error
 */
export function isFatal({ name }) {
  return name === "WorkerError" || name === "DeviceLostError";
}

/**
 * Decides how often a lost model is loaded again: once as it was; where it is lost once more before it has worked for a
 * minute, on WASM, if the backend is left to the page; then no more. Loading, and reading again what was said, is no work:
 * else a loss that comes late in these would come forever.
 */
export class RecoveryPolicy {
  #preference;
  #losses = 0;
  /** @type {number | null} */ #worksSince = null;
  #avoidsWebGpu = false;

  /** @param {BackendPreference} preference */
  constructor(preference) {
    this.#preference = preference;
  }

  /**
   * The model has come to something new since it was loaded, or waits for a question.
   * @param {number} at  ms since the epoch
   */
  works(at) {
    this.#worksSince ??= at;
  }

  /**
   * @param {Pick<ErrorDescription, "name">} error
   * @param {BackendName | null} backend  that the model ran on last; null: it has not run yet
   * @param {number} at  ms since the epoch
   * @returns {RecoveryStep | null}  null: the person is told, and decides
   */
  afterLoss(error, backend, at) {
    // Fresh memory may have room again for what ran before; what never ran does not fit.
    if (!isLoss(error) || (backend === null && !isFatal(error))) return null;
    const gotOver = this.#worksSince !== null && at - this.#worksSince >= SHORT_TIME_MS;
    this.#worksSince = null;
    this.#losses = gotOver ? 1 : this.#losses + 1;
    if (this.#losses === 1) return "again";
    if (this.#preference !== "auto" || backend === "wasm" || this.#avoidsWebGpu) return null;
    this.#avoidsWebGpu = true;
    return "wasm";
  }
}

/**
 * What a person reads.
 * @param {ErrorDescription} error
 * @param {RecoveryStep} step
 * @param {{backend: BackendName | null, isAnswering: boolean}} then  when it was lost
 * @returns {ErrorDescription}
 */
export function recoveryNotice({ name, message, detail }, step, { backend, isAnswering }) {
  const what = step === "wasm" ? "WebGPU failed again. The model" : lossWords(name, backend);
  const how = step === "wasm" ? "with WASM now" : "again";
  const goesOn = isAnswering ? ", and the answer goes on where it was" : "";
  return {
    name,
    message: `${what} is loaded ${how}${goesOn}.`,
    detail: [`${name}: ${message}`, detail ?? ""].join("\n").trimEnd(),
  };
}

/**
 * @param {string} name  of the error
 * @param {BackendName | null} backend
 */
function lossWords(name, backend) {
  if (name === "DeviceMemoryError") return "The memory ran out. The model";
  if (name === "DeviceLostError" && backend === "webgpu") return "The GPU was lost. The model";
  return "The model stopped working. It";
}
