// @ts-check
/** A notice offers exactly what can be done now, however long its error has been shown. */

import assert from "node:assert/strict";
import test from "node:test";
import { mountNotice } from "../../web/widgets/notice.js";
import { installFakeDocument, makeRoot, visible } from "./fake-document.mjs";

installFakeDocument();
const ERROR = { name: "BackendError", message: "It broke." };

function mount() {
  const root = makeRoot();
  const notice = mountNotice(root, { onTryAgain: () => {}, onDismiss: () => {} });
  const offers = () => visible(root, "button").map(({ textContent }) => textContent);
  return { root, notice, offers };
}

test("an offer goes when it is no longer possible, though the error stays the same", () => {
  const { notice, offers } = mount();
  notice.update({ error: ERROR, canTryAgain: true, canDismiss: true });
  assert.deepEqual(offers(), ["Try again", "Dismiss"]);
  notice.update({ error: ERROR, canTryAgain: false, canDismiss: true });
  assert.deepEqual(offers(), ["Dismiss"]);
  notice.update({ error: ERROR, canTryAgain: true, canDismiss: false });
  assert.deepEqual(offers(), ["Try again"]);
});

test("the same error is not built again: a screen reader would say it again", () => {
  const { root, notice } = mount();
  notice.update({ error: ERROR, canTryAgain: true, canDismiss: false });
  const [content] = root.children;
  notice.update({ error: ERROR, canTryAgain: false, canDismiss: false });
  assert.equal(root.children[0], content);
});

test("without an error there is nothing to see", () => {
  const { root, notice, offers } = mount();
  notice.update({ error: ERROR, canTryAgain: true, canDismiss: true });
  notice.update({ error: null, canTryAgain: true, canDismiss: true });
  assert.ok(root.hidden);
  assert.deepEqual(offers(), []);
});
