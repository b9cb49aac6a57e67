// @ts-check
/**
 * What went wrong, or is only worth knowing, in words, with what to do about it.
 *
 * An error is an alert: screen readers say it at once. A note is a status: they say it when they have finished.
 *
 * @module
 */

import { button, element, icon, setText } from "../element.js";

/** @typedef {import("../chat-types.js").NoticeTone} NoticeTone */
/** @typedef {import("../protocol.js").ErrorDescription} ErrorDescription */

/**
 * @param {HTMLElement} root
 * @param {{onTryAgain: () => void, onDismiss?: () => void}} actions
 */
export function mountNotice(root, { onTryAgain, onDismiss }) {
  root.setAttribute("role", "status");
  const retry = button({
    label: "Try again",
    icon: "retry",
    text: true,
    className: "plm-button plm-button-outlined",
    onPress: onTryAgain,
  });
  const dismiss = button({ label: "Dismiss", text: true, onPress: () => onDismiss?.() });
  /** @type {ErrorDescription | null} */
  let shown = null;

  return {
    /** @param {{error: ErrorDescription | null, tone: NoticeTone, canTryAgain: boolean, canDismiss: boolean}} view */
    update({ error, tone, canTryAgain, canDismiss }) {
      retry.hidden = !canTryAgain;
      dismiss.hidden = !canDismiss || !onDismiss;
      if (error === shown) return;
      shown = error;
      // Built anew in a root that stays: it is announced when its content appears, not when it becomes visible.
      root.replaceChildren();
      root.setAttribute("role", error !== null && tone === "error" ? "alert" : "status");
      if (error === null) return;
      root.dataset.tone = tone;
      const message = element("p", { class: "plm-notice-message" }, error.message);
      const name = element("p", { class: "plm-notice-name" }, error.name);
      const actions = element("div", { class: "plm-notice-actions" }, retry, dismiss);
      const named = tone === "error" ? [name] : [];
      const content = element("div", {}, message, ...named, ...detailOf(error), actions);
      root.append(icon(tone === "error" ? "alert" : "info"), content);
    },
  };
}

/** @param {ErrorDescription} error */
function detailOf(error) {
  if (!error.detail) return [];
  const summary = element("summary");
  setText(summary, "Details for developers");
  return [element("details", {}, summary, element("pre", { tabindex: "0" }, error.detail))];
}
