// @ts-check
/**
 * Opens the candidates for a backend one after the other until one runs, and tells of those that did not.
 *
 * Whoever calls says what opening is, and gives back what a failed opening had taken. Knows no device.
 *
 * @module
 */

import { BackendUnavailableError, describeError } from "./errors.js";

/** @typedef {import("./backend-choice.js").Candidate} Candidate */
/** @typedef {import("./protocol.js").DroppedBackend} DroppedBackend */

/**
 * @template Opened
 * @param {Candidate[]} candidates  the best first, at least one
 * @param {(candidate: Candidate) => Promise<Opened>} open  rejects when the candidate is of no use here
 * @param {AbortSignal} signal  ends it, whatever is being tried
 * @returns {Promise<{candidate: Candidate, opened: Opened, dropped: DroppedBackend[]}>}
 * @throws {Error} when none runs: of one candidate its own error, of several what each of them said
 */
export async function openFirst(candidates, open, signal) {
  /** @type {DroppedBackend[]} */
  const dropped = [];
  for (const candidate of candidates) {
    try {
      return { candidate, opened: await open(candidate), dropped };
    } catch (error) {
      signal.throwIfAborted();
      if (candidates.length === 1) throw error;
      dropped.push(describeFailure(candidate, error));
      if (candidate === candidates[candidates.length - 1]) throw noneRuns(dropped, error);
    }
  }
  throw new TypeError("no candidate was given");
}

/**
 * What failed, as a clause.
 * @param {DroppedBackend} dropped
 */
export function failureClause({ graph, error, problem }) {
  return `${graph} failed (${error.name}: ${problem})`;
}

/**
 * @param {Candidate} candidate
 * @param {unknown} error
 * @returns {DroppedBackend}
 */
function describeFailure({ graph }, error) {
  const description = describeError(error);
  const { problem } = /** @type {{problem?: string}} */ (error ?? {});
  return { graph, problem: problem ?? description.message, error: description };
}

/**
 * @param {DroppedBackend[]} dropped
 * @param {unknown} cause  of the last one
 */
function noneRuns(dropped, cause) {
  const { remedy } = /** @type {{remedy?: string}} */ (cause ?? {});
  return new BackendUnavailableError(`no backend runs here: ${dropped.map(failureClause).join("; ")}`, {
    expected: "at least one that starts and computes rightly",
    remedy: remedy ?? "Reload the page; if it stays, update the browser and the GPU's driver.",
    cause,
  });
}
