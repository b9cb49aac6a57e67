// @ts-check
/**
 * What a person wants the model to be loaded with, backend and memory: the address says it until they choose in the settings,
 * which the tab remembers.
 *
 * @module
 */

import { formatBytes } from "./sentences.js";

/** @typedef {import("./protocol.js").BackendPreference} BackendPreference */

/** What can be chosen, with the words for it. @type {ReadonlyArray<{value: BackendPreference, label: string}>} */
export const BACKEND_CHOICES = [
  { value: "auto", label: "Automatic" },
  { value: "webgpu", label: "WebGPU" },
  { value: "webgpu-f16", label: "WebGPU f16" },
  { value: "webgpu-f32", label: "WebGPU f32" },
  { value: "wasm", label: "WASM" },
];

const MEGABYTE = 1e6;

/**
 * @param {BackendPreference} address  what the address asks for
 * @param {Storage | null} storage  of the tab
 * @param {string} key
 */
export function createBackendPreference(address, storage, key) {
  return createPreference(address, storage, key, (value) =>
    BACKEND_CHOICES.some((choice) => choice.value === value),
  );
}

/**
 * @param {number | null} address  bytes that the address asks for; null: it does not
 * @param {Storage | null} storage  of the tab
 * @param {string} key
 */
export function createMemoryPreference(address, storage, key) {
  return createPreference(
    address,
    storage,
    key,
    (value) => value === null || (Number.isInteger(value) && Number(value) > 0),
  );
}

/**
 * What a person typed as the memory of the conversation.
 *
 * @param {string} text  MB, whole; empty: the default
 * @returns {{budget: number | null, problem?: undefined} | {budget?: undefined, problem: string}}  bytes
 */
export function parseMemory(text) {
  const typed = text.trim();
  if (typed === "") return { budget: null };
  const megabytes = Number(typed);
  if (Number.isInteger(megabytes) && megabytes >= 1) return { budget: megabytes * MEGABYTE };
  return { problem: "Write a whole number of megabytes, at least 1, or leave it empty." };
}

/**
 * @template Choice
 * @param {Choice} address
 * @param {Storage | null} storage
 * @param {string} key
 * @param {(value: unknown) => boolean} isChoice
 */
function createPreference(address, storage, key, isChoice) {
  let chosen = restore(storage?.getItem(key) ?? null, address, isChoice);
  return {
    /** @returns {Choice} */
    current: () => chosen,
    /** @param {Choice} preference */
    choose(preference) {
      chosen = preference;
      try {
        storage?.setItem(key, JSON.stringify({ address, chosen }));
      } catch {
        // Full or forbidden: the choice counts until the page goes away.
      }
    },
  };
}

/**
 * A choice belongs to the address it was made on: who opens another one means what that one says.
 * @template Choice
 * @param {string | null} stored
 * @param {Choice} address
 * @param {(value: unknown) => boolean} isChoice
 * @returns {Choice}
 */
function restore(stored, address, isChoice) {
  try {
    const value = JSON.parse(stored ?? "null");
    return value?.address === address && isChoice(value.chosen) ? value.chosen : address;
  } catch {
    return address;
  }
}

/**
 * What the settings say about the backend below the choice.
 * @param {import("./chat-state.js").ChatState["phase"]} phase
 * @param {BackendPreference} preference
 * @param {import("./protocol.js").Ready | null} ready
 */
export function runningSentence(phase, preference, ready) {
  const label = BACKEND_CHOICES.find(({ value }) => value === preference)?.label;
  if (phase === "failed") return `Loading with “${label}” failed: close the settings to read why.`;
  if (!ready) return `The model is being loaded with “${label}”.`;
  const { model, backend, keyValues } = ready;
  const context = `${model.contextSize.toLocaleString("en")} tokens of context`;
  const memory = formatBytes(model.contextSize * keyValues.bytesPerToken);
  return `${model.name}, ${context} in at most ${memory}, graph ${backend.graph}. ${backend.reason}`;
}
