// @ts-check
/**
 * Lets waiting messages in between two tokens.
 *
 * A loop over onnxruntime-web's WASM backend never leaves the microtask queue, so a `cancel` would wait for its end.
 * One turn through a MessageChannel is a macrotask of about 10 µs; setTimeout costs 4 ms, and scheduler.yield() puts
 * its continuation ahead of messages and timers.
 *
 * @module
 */

const channel = new MessageChannel();
/** @type {Array<() => void>} */
const waiting = [];

function deliver() {
  waiting.shift()?.();
  // Without a listener an idle port does not keep a Node process alive.
  if (waiting.length === 0) channel.port1.onmessage = null;
}

/**
 * Resolves after the messages that are already due.
 * @returns {Promise<void>}
 */
export function breathe() {
  return new Promise((resolve) => {
    waiting.push(resolve);
    channel.port1.onmessage = deliver;
    channel.port2.postMessage(0);
  });
}
