// @ts-check
/**
 * The page of its own: reads site.json and the address, and mounts one chat that talks to a worker.
 *
 * @module
 */

import { mountChat } from "./chat.js";
import { PagelmClient } from "./client.js";
import { element } from "./element.js";
import { readPageOptions } from "./page-options.js";
import { fetchSiteIndex } from "./site-index.js";
import { mountNotice } from "./widgets/notice.js";

const SITE_URL = new URL("./site.json", import.meta.url).href;

/** @param {HTMLElement} root */
async function start(root) {
  try {
    const { site } = await fetchSiteIndex(SITE_URL);
    const { model, load, enableThinking, problems } = readPageOptions(
      location.search,
      site,
      SITE_URL,
      crossOriginIsolated,
    );
    mountChat(root, {
      startClient: () => PagelmClient.start(),
      load,
      model,
      enableThinking,
      problems,
      autofocus: true,
    });
  } catch (error) {
    showStartError(root, error instanceof Error ? error : new Error(String(error)));
  }
}

/**
 * @param {HTMLElement} root
 * @param {Error} error
 */
function showStartError(root, error) {
  const noticeRoot = element("div", { class: "plm-notice" });
  root.replaceChildren(element("div", { class: "plm-dock" }, noticeRoot));
  const notice = mountNotice(noticeRoot, { onTryAgain: () => location.reload() });
  const { name, message, stack: detail } = error;
  notice.update({ error: { name, message, detail }, canTryAgain: true, canDismiss: false });
}

const root = document.getElementById("chat");
if (root) void start(root);
