// @ts-check
/** The CPU path in Firefox: threads, the store, the service worker, answers that are native's. */

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { ChatPage } from "./chat-page.mjs";
import { findFirefox, openFirefox } from "./firefox.mjs";
import { serveSite } from "./served-site.mjs";

const executable = findFirefox();
const skip = executable === undefined && "no Firefox on the path, and PAGELM_FIREFOX is not set";

const UNTIL_KEPT = async () => {
  const { active } = await navigator.serviceWorker.ready;
  if (active?.state === "activated" && navigator.serviceWorker.controller) return;
  await new Promise((resolve) => navigator.serviceWorker.addEventListener("controllerchange", resolve));
};

/** Presses Stop once, as soon as it is there: this model is faster than a driver's way to it. */
const STOP_AT_ONCE = () => {
  const observer = new MutationObserver(() => {
    const stop = [...document.querySelectorAll("button")].find(({ ariaLabel, textContent }) =>
      [ariaLabel, textContent?.trim()].includes("Stop"),
    );
    if (!stop?.checkVisibility()) return;
    observer.disconnect();
    stop.click();
  });
  observer.observe(document.body, { subtree: true, childList: true, attributes: true });
};

/** @type {import("puppeteer-core").Browser} */
let browser;
before(async () => {
  if (executable) browser = await openFirefox(executable);
});
after(() => browser?.close());

/** @param {(chat: ChatPage, site: Awaited<ReturnType<typeof serveSite>>) => Promise<void>} body */
async function withChat(body) {
  const [site, context] = await Promise.all([serveSite(), browser.createBrowserContext()]);
  try {
    const chat = new ChatPage(await context.newPage());
    await body(chat, site);
    chat.assertClean();
  } finally {
    await context.close();
    await site.stop();
  }
}

test("it answers on WASM with threads, with and without thinking, and keeps the conversation", { skip }, () =>
  withChat(async (chat, { address }) => {
    await chat.open(`${address}?threads=2`);
    await chat.setGreedy();
    assert.equal(await chat.ask("What is 27 + 38?"), "27 + 38 = 65");
    assert.equal(await chat.ask("Reverse the word stressed"), "desserts");
    assert.equal(await chat.page.evaluate(() => crossOriginIsolated), true);
    await chat.press("Backend: WASM");
    const story = await chat.page.evaluate(
      () => document.querySelector('[aria-label="Backend"]')?.textContent,
    );
    assert.match(String(story), /It runs on 2 threads/);
  }),
);

test("a stopped answer stays, and the next question is answered", { skip }, () =>
  withChat(async (chat, { address }) => {
    await chat.open(address);
    await chat.setGreedy();
    await chat.page.evaluate(STOP_AT_ONCE);
    await chat.send("How many r's are in strawberry?");
    await chat.untilAnswered();
    assert.match(await chat.page.evaluate(() => document.body.innerText), /Stopped\./);
    assert.equal(await chat.ask("What is 27 + 38?"), "27 + 38 = 65");
  }),
);

test(
  "after the first load it opens and answers without its server, from store and service worker",
  { skip },
  () =>
    withChat(async (chat, site) => {
      await chat.open(site.address);
      await chat.page.evaluate(UNTIL_KEPT);
      await site.stop();
      chat.requests.length = 0;
      await chat.page.reload();
      await chat.untilReady();
      assert.deepEqual(
        chat.requests.filter((url) => url.endsWith(".bin")),
        [],
      );
      await chat.setGreedy();
      assert.equal(await chat.ask("What is 27 + 38?"), "27 + 38 = 65");
    }),
);
