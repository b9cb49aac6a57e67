// @ts-check
/**
 * The bar at the top: whose page this is, which model and backend run, and what one does rarely.
 *
 * @module
 */

import { button, element, setText } from "../element.js";
import { mountBackendBadge } from "./backend-badge.js";

/** @typedef {import("../protocol.js").BackendDescription} BackendDescription */

/**
 * @param {HTMLElement} root
 * @param {{onNewChat: () => void, onChats: () => void, onSettings: () => void, onTheme: () => void}} actions
 */
export function mountHeader(root, { onNewChat, onChats, onSettings, onTheme }) {
  const modelName = element("span", { class: "plm-header-model" });
  const badgeRoot = element("div", { class: "plm-backend-badge" });
  const badge = mountBackendBadge(badgeRoot);
  const newChat = button({ label: "New chat", icon: "new-chat", onPress: onNewChat });
  const chats = button({ label: "Chats", icon: "chats", onPress: onChats });
  chats.setAttribute("aria-haspopup", "dialog");
  const theme = button({ label: "Use the dark theme", icon: "theme", onPress: onTheme });
  const settings = button({ label: "Settings", icon: "settings", onPress: onSettings });
  settings.setAttribute("aria-haspopup", "dialog");

  root.append(
    element("h1", { class: "plm-header-title" }, "pagelm"),
    modelName,
    badgeRoot,
    element("div", { class: "plm-header-actions" }, chats, newChat, theme, settings),
  );

  return {
    /** @param {{model: string, backend: BackendDescription | null, theme: "light" | "dark", hasChats: boolean}} view */
    update({ model, backend, theme: current, hasChats }) {
      chats.hidden = !hasChats;
      setText(modelName, model);
      badge.update(backend);
      const label = current === "dark" ? "Use the light theme" : "Use the dark theme";
      theme.setAttribute("aria-label", label);
      theme.title = label;
    },
  };
}
