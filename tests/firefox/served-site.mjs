// @ts-check
/**
 * `pagelm serve dist` on a free port, as a process that can be stopped.
 *
 * @module
 */

import { spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";

const ROOT = new URL("../../", import.meta.url);
const PAGELM = new URL(".venv/bin/pagelm", ROOT).pathname;

/** @returns {Promise<{address: string, stop: () => Promise<void>}>} */
export async function serveSite() {
  const server = spawn(process.env.PAGELM_COMMAND ?? PAGELM, ["serve", "dist", "--port", "0"], {
    cwd: ROOT,
    stdio: ["ignore", "pipe", "inherit"],
  });
  const ended = once(server, "exit");
  const [line] = await Promise.race([
    once(createInterface(server.stdout), "line"),
    ended.then(([code]) => Promise.reject(new Error(`pagelm serve ended with status ${code}`))),
  ]);
  const address = /http:\/\/\S+/.exec(line)?.[0];
  if (address === undefined) throw new Error(`pagelm serve said no address: ${line}`);
  const stop = async () => {
    server.kill("SIGINT");
    await ended;
  };
  return { address, stop };
}
