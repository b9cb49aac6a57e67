// @ts-check
/**
 * Finds a Firefox, starts it headless, and drives it over WebDriver BiDi. Knows browsers and no site.
 *
 * @module
 */

import { accessSync, constants } from "node:fs";
import { delimiter, join } from "node:path";
import puppeteer from "puppeteer-core";

const NAMES = ["firefox-esr", "firefox"];

/** @returns {string | undefined}  what PAGELM_FIREFOX names, or the first Firefox on the path */
export function findFirefox() {
  const named = process.env.PAGELM_FIREFOX;
  if (named) return named;
  const folders = (process.env.PATH ?? "").split(delimiter);
  return folders.flatMap((folder) => NAMES.map((name) => join(folder, name))).find(isExecutable);
}

/** @param {string} path */
function isExecutable(path) {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

/**
 * With a profile of its own, which is deleted when it closes.
 * @param {string} executablePath
 */
export function openFirefox(executablePath) {
  return puppeteer.launch({ browser: "firefox", executablePath, headless: true });
}
