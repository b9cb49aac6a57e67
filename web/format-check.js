// @ts-check
/**
 * Asks the model whether answers can have a form, but not at every key: a while after the last change.
 *
 * Knows neither chat nor DOM.
 *
 * @module
 */

import { readFormat } from "./response-format.js";

/** @typedef {import("./response-format.js").FormatChoice} FormatChoice */
/** @typedef {{checkFormat: (format: import("./protocol.js").ResponseFormat) => Promise<true>}} FormatClient */

const QUIET_MS = 400;

/**
 * @param {() => {client: FormatClient | null, choice: FormatChoice}} read  null: nobody to ask yet
 * @param {(problem: string) => void} show  "" for none
 */
export function createFormatCheck(read, show) {
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  let timer;
  let asked = 0;

  async function ask() {
    const number = ++asked;
    const problem = await problemNow();
    if (number === asked) show(problem);
  }

  async function problemNow() {
    const { client, choice } = read();
    const { format, problem } = readFormat(choice);
    if (problem !== undefined) return problem;
    if (format === null || client === null) return "";
    try {
      await client.checkFormat(format);
      return "";
    } catch (error) {
      return error instanceof Error ? `${error.name}: ${error.message}` : String(error);
    }
  }

  return {
    request() {
      clearTimeout(timer);
      timer = setTimeout(ask, QUIET_MS);
    },
    stop() {
      clearTimeout(timer);
      asked++;
    },
  };
}
