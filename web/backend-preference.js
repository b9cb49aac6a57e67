// @ts-check
/**
 * Which backend a person wants: the address says it until they choose in the settings, which the tab remembers.
 *
 * @module
 */

/** @typedef {import("./protocol.js").BackendPreference} BackendPreference */

/** What can be chosen, with the words for it. @type {ReadonlyArray<{value: BackendPreference, label: string}>} */
export const BACKEND_CHOICES = [
  { value: "auto", label: "Automatic" },
  { value: "webgpu", label: "WebGPU" },
  { value: "wasm", label: "WASM" },
];

/**
 * @param {BackendPreference} address  what the address asks for
 * @param {Storage | null} storage  of the tab
 * @param {string} key
 */
export function createBackendPreference(address, storage, key) {
  let chosen = restore(storage?.getItem(key) ?? null, address);
  return {
    /** @returns {BackendPreference} */
    current: () => chosen,
    /** @param {BackendPreference} preference */
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
 * @param {string | null} stored
 * @param {BackendPreference} address
 * @returns {BackendPreference}
 */
function restore(stored, address) {
  try {
    const value = JSON.parse(stored ?? "null");
    const choice = BACKEND_CHOICES.find((candidate) => candidate.value === value?.chosen);
    return choice && value.address === address ? choice.value : address;
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
  const { model, backend } = ready;
  const context = `${model.contextSize.toLocaleString("en")} tokens of context`;
  return `${model.name}, ${context}, graph ${backend.graph}. ${backend.reason}`;
}
