// @ts-check
/**
 * What went wrong, in words, with what to do about it. An alert: screen readers say it at once.
 *
 * @module
 */

import { button, element, icon, setText } from "../element.js";

/** @typedef {import("../protocol.js").ErrorDescription} ErrorDescription */

/**
 * @param {HTMLElement} root
 * @param {{onTryAgain: () => void, onDismiss?: () => void}} actions
 */
export function mountNotice(root, { onTryAgain, onDismiss }) {
  root.setAttribute("role", "alert");
  root.hidden = true;
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
    /** @param {{error: ErrorDescription | null, canTryAgain: boolean, canDismiss: boolean}} view */
    update({ error, canTryAgain, canDismiss }) {
      root.hidden = error === null;
      retry.hidden = !canTryAgain;
      dismiss.hidden = !canDismiss || !onDismiss;
      if (error === shown) return;
      shown = error;
      // Built anew: an alert is announced when its content appears, not when it becomes visible.
      root.replaceChildren();
      if (error === null) return;
      const message = element("p", { class: "plm-notice-message" }, error.message);
      const name = element("p", { class: "plm-notice-name" }, error.name);
      const actions = element("div", { class: "plm-notice-actions" }, retry, dismiss);
      root.append(icon("alert"), element("div", {}, message, name, ...detailOf(error), actions));
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
