// @ts-check
/**
 * The page of its own: reads site.json and the address, and mounts one chat that talks to a worker.
 *
 * @module
 */

import { mountChat } from "./chat.js";
import { PagelmClient } from "./client.js";
import { element } from "./element.js";
import { SiteError } from "./errors.js";
import { readPageOptions } from "./page-options.js";
import { mountNotice } from "./widgets/notice.js";

const SITE_URL = new URL("./site.json", import.meta.url).href;

/** @returns {Promise<import("./page-options.js").Site>} */
async function fetchSite() {
  const remedy = "Check that the server runs and that the folder was made by “pagelm site”.";
  try {
    const response = await fetch(SITE_URL);
    if (response.ok) return await response.json();
    throw new SiteError(`site.json was answered with status ${response.status}`, { expected: "200", remedy });
  } catch (cause) {
    if (cause instanceof SiteError) throw cause;
    throw new SiteError("site.json could not be read", {
      expected: "a JSON file beside the page",
      remedy,
      cause,
    });
  }
}

/** @param {HTMLElement} root */
async function start(root) {
  try {
    const { model, load, enableThinking, problems } = readPageOptions(
      location.search,
      await fetchSite(),
      SITE_URL,
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
