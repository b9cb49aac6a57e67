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
  notice.update({ error: ERROR, tone: "error", canTryAgain: true, canDismiss: true });
  assert.deepEqual(offers(), ["Try again", "Dismiss"]);
  notice.update({ error: ERROR, tone: "error", canTryAgain: false, canDismiss: true });
  assert.deepEqual(offers(), ["Dismiss"]);
  notice.update({ error: ERROR, tone: "error", canTryAgain: true, canDismiss: false });
  assert.deepEqual(offers(), ["Try again"]);
});

test("the same error is not built again: a screen reader would say it again", () => {
  const { root, notice } = mount();
  notice.update({ error: ERROR, tone: "error", canTryAgain: true, canDismiss: false });
  const [content] = root.children;
  notice.update({ error: ERROR, tone: "error", canTryAgain: false, canDismiss: false });
  assert.equal(root.children[0], content);
});

test("without an error there is nothing to see", () => {
  const { root, notice, offers } = mount();
  notice.update({ error: ERROR, tone: "error", canTryAgain: true, canDismiss: true });
  notice.update({ error: null, tone: "note", canTryAgain: true, canDismiss: true });
  assert.deepEqual([root.children, root.getAttribute("role")], [[], "status"]);
  assert.deepEqual(offers(), []);
});

test("an error is an alert with its name, and a note is a status without one", () => {
  const { root, notice } = mount();
  const shown = () => [
    root.getAttribute("role"),
    root.dataset.tone,
    visible(root, "p").map((p) => p.textContent),
  ];
  notice.update({ error: ERROR, tone: "error", canTryAgain: false, canDismiss: true });
  assert.deepEqual(shown(), ["alert", "error", ["It broke.", "BackendError"]]);
  notice.update({ error: { ...ERROR }, tone: "note", canTryAgain: false, canDismiss: true });
  assert.deepEqual(shown(), ["status", "note", ["It broke."]]);
});

test("what is told next is put into a root that screen readers already know", () => {
  const { root, notice } = mount();
  assert.deepEqual([root.hidden, root.getAttribute("role")], [false, "status"]);
  notice.update({ error: null, tone: "note", canTryAgain: false, canDismiss: false });
  assert.equal(root.hidden, false);
});
