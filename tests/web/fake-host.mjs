// @ts-check
/** A host that takes connections and says nothing, or stops in the middle; and a store that has kept a model. */

import { STALL_MS } from "../../web/stall.js";

/**
 * Never answers; as browsers do, it ends with the signal's reason.
 * @param {unknown} _url
 * @param {RequestInit} [init]
 * @returns {Promise<Response>}
 */
export function silentHost(_url, init) {
  return new Promise((_, reject) => {
    const end = () => reject(init?.signal?.reason);
    if (init?.signal?.aborted) end();
    init?.signal?.addEventListener("abort", end);
  });
}

/**
 * Sends so much and then nothing.
 * @param {string} text
 * @returns {(url: unknown, init?: RequestInit) => Promise<Response>}
 */
export function hostThatStopsAfter(text) {
  return async (_url, init) => {
    init?.signal?.throwIfAborted();
    const body = new ReadableStream({
      start(controller) {
        controller.enqueue(new TextEncoder().encode(text));
        init?.signal?.addEventListener("abort", () => controller.error(init.signal?.reason));
      },
    });
    return new Response(body);
  };
}

/**
 * Lets a silence pass without waiting for it.
 * @param {import("node:test").TestContext} context  whose `setTimeout` is replaced
 * @param {number} [ms]
 */
export async function passSilence(context, ms = STALL_MS) {
  for (let i = 0; i < 20; i++) await new Promise((resolve) => setImmediate(resolve));
  context.mock.timers.tick(ms);
}

/**
 * The browser's storage with one kept model in it.
 * @param {{url: string, manifest: string}} model
 * @returns {any}  for `navigator`
 */
export function navigatorThatKeeps({ url, manifest }) {
  const entry = { format: 1, url, name: "kept", lastUsedMs: 1, manifest, files: [] };
  const file = { getFile: async () => new Blob([JSON.stringify(entry)]) };
  const folder = { getDirectoryHandle: async () => folder, getFileHandle: async () => file };
  return { storage: { getDirectory: async () => folder } };
}
