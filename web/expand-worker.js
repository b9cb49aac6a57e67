// @ts-check
/**
 * A worker that expands one matrix after the other: blocks in, int8 out, both handed over instead of copied.
 *
 * @module
 */

import { expandTensor } from "./weight-expansion.js";

/** @typedef {{progress: number} | import("./weight-expansion.js").Int8Tensor} ExpandAnswer  progress: weights done since the last */

const REPORT_EVERY_WEIGHTS = 4_000_000;

/** The types of this project are those of a page, whose postMessage goes elsewhere. */
const post = /** @type {(answer: ExpandAnswer, transfer?: Transferable[]) => void} */ (
  /** @type {unknown} */ (globalThis.postMessage)
);

addEventListener("message", ({ data }) => {
  let reported = 0;
  const tensor = expandTensor(data, (done) => {
    if (done - reported < REPORT_EVERY_WEIGHTS) return;
    post({ progress: done - reported });
    reported = done;
  });
  post({ progress: data.rows * data.columns - reported });
  post(tensor, [tensor.weight.buffer, tensor.weightScales.buffer]);
});
