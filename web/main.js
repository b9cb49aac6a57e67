// @ts-check
/**
 * The page of its own: reads site.json and the address, mounts one chat that talks to a worker, and keeps the page for
 * when its server is gone.
 *
 * @module
 */

import { mountChat } from "./chat.js";
import { PagelmClient } from "./client.js";
import { element, setText } from "./element.js";
import { isolatePage, keepPage, takeNewVersion } from "./offline.js";
import { readPageOptions } from "./page-options.js";
import { fetchSiteIndex } from "./site-index.js";
import { availableStorage } from "./storage.js";
import { mountNotice } from "./widgets/notice.js";
import { mountSiteNotice } from "./widgets/site-notice.js";

const SITE_URL = new URL("./site.json", import.meta.url).href;

/** @param {HTMLElement} root */
async function start(root) {
  const siteNotice = mountSiteNotice({
    storage: availableStorage("sessionStorage"),
    onReload: () => location.reload(),
  });
  try {
    const starting = root.querySelector("p");
    const notIsolated = await isolatePage((share) => {
      if (starting)
        setText(starting, `Fetching the page for threads and for later: ${Math.floor(share * 100)} %`);
    });
    await takeNewVersion();
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
    root.querySelector(".plm-dock")?.prepend(siteNotice.root);
    if (notIsolated) siteNotice.say(notIsolated, false);
    await keepPage(site.version, siteNotice.say);
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
  notice.update({
    error: { name, message, detail },
    tone: "error",
    canTryAgain: true,
    canDismiss: false,
  });
}

const root = document.getElementById("chat");
if (root) void start(root);
