// @ts-check
/** When a page that starts lets a newer version replace its own. */

import assert from "node:assert/strict";
import { test } from "node:test";
import { takeNewVersion } from "../../web/offline.js";

/**
 * A browser's service workers, of which one waits.
 * @param {{alone: boolean, stays?: boolean}} situation  stays: the version before does not go by itself
 */
function fakeContainer({ alone, stays = false }) {
  const container = new EventTarget();
  const change = () => container.dispatchEvent(new Event("controllerchange"));
  /** @type {string[]} */
  const asked = [];
  const waiting = {
    /**
     * @param {{kind: string}} message
     * @param {MessagePort[]} [ports]
     */
    postMessage({ kind }, ports) {
      asked.push(kind);
      if (kind === "mayTakeOver") ports?.[0].postMessage({ alone });
      if (kind === "takeOver" && !stays) queueMicrotask(change);
    },
  };
  const found = /** @type {ServiceWorkerContainer} */ (
    Object.assign(container, { controller: {}, getRegistration: async () => ({ waiting }) })
  );
  return { container: found, asked, change };
}

test("the only page reloads once the newer version is its own", async () => {
  const { container, asked } = fakeContainer({ alone: true });
  await new Promise((resolve) => void takeNewVersion(container, { reload: () => resolve(undefined) }));
  assert.deepEqual(asked, ["mayTakeOver", "takeOver"]);
});

test("a version before that stays is ended, and nothing is done to it after that", async () => {
  const { container, change } = fakeContainer({ alone: true, stays: true });
  let nudges = 0;
  const nudge = () => {
    nudges += 1;
    if (nudges === 3) change();
  };
  await new Promise((resolve) => {
    void takeNewVersion(container, { reload: () => resolve(undefined), nudge, nudgeMs: 1 });
  });
  await new Promise((resolve) => setTimeout(resolve, 10));
  assert.equal(nudges, 3);
});

test("beside another open page it goes on as it is", async () => {
  const { container, asked } = fakeContainer({ alone: false });
  await takeNewVersion(container, { reload: () => assert.fail("reloaded") });
  assert.deepEqual(asked, ["mayTakeOver"]);
});

test("a page without a service worker goes on", async () => {
  await takeNewVersion(undefined, { reload: () => assert.fail("reloaded") });
  await takeNewVersion(/** @type {ServiceWorkerContainer} */ (/** @type {unknown} */ ({ controller: null })));
});
