// @ts-check
/**
 * What concerns the page itself, not the chat: that a newer version is here, or what this browser does not give it.
 *
 * A status, not an alert: screen readers say it when they have a moment. Stays away once it was dismissed, until the tab
 * is closed.
 *
 * @module
 */

import { button, element } from "../element.js";

const DISMISSED_KEY = "pagelm.dismissed-notices";

/**
 * @param {{storage: Storage | null, onReload: () => void}} options  storage: remembers what was dismissed
 */
export function mountSiteNotice({ storage, onReload }) {
  const root = element("div", { class: "plm-site-notice", role: "status" });
  root.hidden = true;
  const text = element("div", { class: "plm-site-notice-text" });
  const reload = button({
    label: "Reload",
    text: true,
    className: "plm-button plm-button-outlined",
    onPress: onReload,
  });
  reload.hidden = true;
  const dismiss = button({ label: "Dismiss", text: true, onPress: hide });
  root.append(text, reload, dismiss);
  /** @type {Set<string>} */
  const dismissed = new Set(storage?.getItem(DISMISSED_KEY)?.split("\n"));
  /** @type {Set<string>} */
  const said = new Set();

  function hide() {
    root.hidden = true;
    text.replaceChildren();
    for (const sentence of said) dismissed.add(sentence);
    said.clear();
    try {
      storage?.setItem(DISMISSED_KEY, [...dismissed].join("\n"));
    } catch {
      // Full: it is said again after a reload.
    }
  }

  return {
    root,
    /**
     * @param {string} sentence
     * @param {boolean} canReload  whether a reload is what it asks for; then it is said again after it was dismissed
     */
    say(sentence, canReload) {
      if (said.has(sentence) || (dismissed.has(sentence) && !canReload)) return;
      said.add(sentence);
      text.append(element("p", {}, sentence));
      if (canReload) reload.hidden = false;
      root.hidden = false;
    },
  };
}
