// @ts-check
/** What a person sees while a model loads, beside the choice to cancel. */

import assert from "node:assert/strict";
import test from "node:test";
import { mountLoadProgress } from "../../web/widgets/load-progress.js";
import { installFakeDocument, makeRoot, visible } from "./fake-document.mjs";

installFakeDocument();

/** @param {string | null} reason @returns {import("../../web/protocol.js").Progress} */
function weights(reason) {
  const figures = {
    loadedBytes: 0,
    totalBytes: 9e8,
    storedBytes: 0,
    bytesPerSecond: null,
    secondsLeft: null,
  };
  return {
    stage: "weights",
    loadedBytes: 0,
    totalBytes: 9e8,
    transfer: { ...figures, waitingFor: null, reason },
  };
}

test("why a model will not be kept stands beside the choice to cancel while it loads", () => {
  const root = makeRoot();
  const progress = mountLoadProgress(root, { onCancel: () => {} });
  const sentences = () => visible(root, "p").map(({ textContent }) => textContent);
  progress.update({ visible: true, progress: {} });
  assert.deepEqual(sentences(), []);
  progress.update({ visible: true, progress: { weights: weights("It will not fit.") } });
  assert.deepEqual(sentences(), ["It will not fit."]);
  assert.equal(visible(root, "button").at(-1)?.textContent, "Cancel loading");
  progress.update({ visible: true, progress: { weights: weights(null) } });
  assert.deepEqual(sentences(), []);
});
