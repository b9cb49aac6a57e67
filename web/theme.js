// @ts-check
/**
 * Light or dark: the system's choice until a person makes their own, which localStorage keeps.
 *
 * @module
 */

const STORAGE_KEY = "pagelm.theme";

/** @typedef {"light" | "dark"} Theme */

/**
 * @param {HTMLElement} root  gets `data-theme`; absent, the style sheet follows the system
 * @param {Storage | null} storage
 */
export function createTheme(root, storage) {
  const system = matchMedia("(prefers-color-scheme: dark)");

  /** @returns {Theme} */
  const systemTheme = () => (system.matches ? "dark" : "light");

  /** @returns {Theme} */
  const current = () =>
    root.dataset.theme === "dark" || root.dataset.theme === "light" ? root.dataset.theme : systemTheme();

  /** @param {Theme} theme */
  function choose(theme) {
    // Choosing what the system has anyway means following the system again.
    if (theme === systemTheme()) {
      delete root.dataset.theme;
      storage?.removeItem(STORAGE_KEY);
    } else {
      root.dataset.theme = theme;
      try {
        storage?.setItem(STORAGE_KEY, theme);
      } catch {
        // Full or forbidden: the choice counts until the page goes away.
      }
    }
  }

  const stored = storage?.getItem(STORAGE_KEY);
  if (stored === "light" || stored === "dark") choose(stored);

  return {
    current,
    toggle: () => choose(current() === "dark" ? "light" : "dark"),
  };
}
