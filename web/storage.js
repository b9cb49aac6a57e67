// @ts-check
/**
 * The browser's storage for this page, which may be switched off or full.
 *
 * @module
 */

/** What a person is told, once, when the chats no longer fit. */
export const STORAGE_FULL = {
  name: "StorageFull",
  message:
    "This tab's storage is full: what is said from now on will not outlive a reload. Delete chats, or save this one as a file.",
};

/**
 * Storage can be switched off, and then even naming it throws.
 * @param {"localStorage" | "sessionStorage"} name
 */
export function availableStorage(name) {
  try {
    return globalThis[name];
  } catch {
    return null;
  }
}

/**
 * @param {Storage | null} storage
 * @param {string} key
 * @param {string} value
 * @returns {boolean}  whether it is kept; without storage there is nothing that could keep it
 */
export function store(storage, key, value) {
  try {
    storage?.setItem(key, value);
    return true;
  } catch {
    return false;
  }
}
