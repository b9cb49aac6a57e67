// @ts-check
/** When a page that starts lets a newer version replace its own. */

import assert from "node:assert/strict";
import { test } from "node:test";
import { takeNewVersion } from "../../web/offline.js";

/**
 * A browser's service workers, of which one waits.
 * @param {{alone: boolean}} situation
 */
function fakeContainer({ alone }) {
  const container = new EventTarget();
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
      if (kind === "takeOver") queueMicrotask(() => container.dispatchEvent(new Event("controllerchange")));
    },
  };
  const found = /** @type {ServiceWorkerContainer} */ (
    Object.assign(container, { controller: {}, getRegistration: async () => ({ waiting }) })
  );
  return { container: found, asked };
}

test("the only page reloads once the newer version is its own", async () => {
  const { container, asked } = fakeContainer({ alone: true });
  await new Promise((resolve) => void takeNewVersion(container, () => resolve(undefined)));
  assert.deepEqual(asked, ["mayTakeOver", "takeOver"]);
});

test("beside another open page it goes on as it is", async () => {
  const { container, asked } = fakeContainer({ alone: false });
  await takeNewVersion(container, () => assert.fail("reloaded"));
  assert.deepEqual(asked, ["mayTakeOver"]);
});

test("a page without a service worker goes on", async () => {
  await takeNewVersion(undefined, () => assert.fail("reloaded"));
  await takeNewVersion(/** @type {ServiceWorkerContainer} */ (/** @type {unknown} */ ({ controller: null })));
});
