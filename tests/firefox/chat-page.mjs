// @ts-check
/**
 * The chat page as a person meets it in Firefox: by roles and names.
 *
 * @module
 */

import assert from "node:assert/strict";

/** @typedef {import("puppeteer-core").Page} Page */

const LOAD_MS = 90_000;
const ANSWER_MS = 60_000;

export class ChatPage {
  /** @param {Page} page */
  constructor(page) {
    this.page = page;
    /** @type {string[]} */
    this.requests = [];
    /** @type {string[]} */
    this.failures = [];
    page.on("request", (request) => this.requests.push(request.url()));
    page.on("pageerror", (error) => this.failures.push(String(error)));
  }

  /**
   * Until the page names its backend: it does when the model has loaded.
   * @param {string} address
   */
  async open(address) {
    await this.page.goto(address);
    await this.untilReady();
  }

  async untilReady() {
    const badge = this.page.locator("aria/Backend: WASM[role='button']").setTimeout(LOAD_MS);
    await badge.wait();
  }

  /** The likeliest token each time: what another browser answers too. */
  async setGreedy() {
    await this.press("Settings");
    await this.page.locator("aria/Temperature[role='textbox']").fill("0");
    await this.press("Close settings");
  }

  /** @param {string} name  of a button */
  async press(name) {
    await this.page.locator(`aria/${name}[role='button']`).click();
  }

  /**
   * Asks and waits for the end of the answer.
   * @param {string} question
   * @returns {Promise<string>}  the answer itself, without its reasoning
   */
  async ask(question) {
    await this.send(question);
    await this.untilAnswered();
    return this.lastAnswer();
  }

  /** @param {string} question */
  async send(question) {
    await this.page.locator("aria/Message[role='textbox']").fill(question);
    const asked = await this.page.$$("article");
    await this.press("Send");
    await this.page.waitForFunction(
      (count) => document.querySelectorAll("article").length >= count + 2, // question and answer
      {},
      asked.length,
    );
  }

  async untilAnswered() {
    await this.page.waitForSelector('article[aria-busy="true"]', { hidden: true, timeout: ANSWER_MS });
  }

  lastAnswer() {
    return this.page.evaluate(() => {
      const texts = document.querySelectorAll("article .plm-markdown");
      return /** @type {HTMLElement | undefined} */ ([...texts].at(-1))?.innerText ?? "";
    });
  }

  /** What the page asked for beside its own address, and what it did not handle. */
  assertClean() {
    const origin = new URL(this.page.url()).origin;
    assert.deepEqual(
      this.requests.filter((url) => new URL(url).origin !== origin),
      [],
    );
    assert.deepEqual(this.failures, []);
  }
}
