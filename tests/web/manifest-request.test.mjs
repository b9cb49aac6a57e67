// @ts-check
/** What a bundle's host says, or does not say, when it is asked for the manifest. */

import assert from "node:assert/strict";
import { afterEach, test } from "node:test";
import { openBundle } from "../../web/bundle-store.js";
import { STALL_MS } from "../../web/stall.js";
import { hostThatStopsAfter, navigatorThatKeeps, passSilence, silentHost } from "./fake-host.mjs";
import { TINY_MANIFEST } from "./tiny-manifest.mjs";

const FOLDER = "http://site/models/tiny/";
const originalNavigator = Object.getOwnPropertyDescriptor(globalThis, "navigator");
afterEach(() => {
  if (originalNavigator) Object.defineProperty(globalThis, "navigator", originalNavigator);
  else Reflect.deleteProperty(globalThis, "navigator");
});

function keepTiny() {
  const value = navigatorThatKeeps({ url: FOLDER, manifest: JSON.stringify(TINY_MANIFEST) });
  Object.defineProperty(globalThis, "navigator", { value, configurable: true });
}

for (const [what, fetch] of /** @type {const} */ ([
  ["says nothing", silentHost],
  ["stops in the middle", hostThatStopsAfter('{"form')],
])) {
  test(`a host that ${what} counts as gone after a while`, async (context) => {
    context.mock.timers.enable({ apis: ["setTimeout"] });
    const opening = openBundle(FOLDER, { fetch });
    const refused = assert.rejects(opening, {
      name: "PartMissingError",
      message: /nothing came for 30000 ms/,
    });
    await passSilence(context);
    await refused;
  });

  test(`a host that ${what} is waited for less where a copy is kept, which is then used`, async (context) => {
    keepTiny();
    context.mock.timers.enable({ apis: ["setTimeout"] });
    const opening = openBundle(FOLDER, { fetch });
    await passSilence(context, STALL_MS / 3);
    assert.equal((await opening).manifest.name, "tiny");
  });

  test(`cancelling ends the wait for a host that ${what}`, async () => {
    keepTiny();
    const stop = new AbortController();
    const opening = openBundle(FOLDER, { fetch, signal: stop.signal });
    const cancelled = new Error("cancelled");
    setTimeout(() => stop.abort(cancelled), 20); // the host has been asked by then
    await assert.rejects(opening, cancelled);
  });
}
