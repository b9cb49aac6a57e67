// @ts-nocheck: served into the site's folder by the bench.
/**
 * One length of context after the other, as long as somebody would wait for it.
 *
 * @module
 */

/**
 * @param {number[]} contexts  tokens, ascending
 * @param {number} patience_ms  a prefill that would take longer, at the pace of the last one, is left out
 * @param {(context: number, number: number) => Promise<{prefill_ms: number, decode_ms: number}>} measure  a token
 */
export async function measureContexts(contexts, patience_ms, measure) {
  const figures = [];
  let pace_ms = 0;
  for (const [number, context] of contexts.entries()) {
    const expected_ms = pace_ms * context;
    if (expected_ms > patience_ms) {
      figures.push({ context, left_out_ms: expected_ms });
    } else {
      const figure = await measure(context, number);
      figures.push({ context, ...figure });
      pace_ms = figure.prefill_ms;
    }
  }
  return figures;
}

/** Ids from all over the vocabulary. */
export function tokenIds(length, first, vocabSize) {
  return Array.from({ length }, (_, i) => ((first + i) * 7919 + 13) % vocabSize);
}

/** @param {number[]} values */
export function median(values) {
  return values.toSorted((a, b) => a - b)[values.length >> 1];
}

/** Answers the one message of a worker with what `run` makes of it. */
export function serve(run) {
  addEventListener("message", async ({ data }) => {
    try {
      postMessage({ result: await run(data) });
    } catch (error) {
      postMessage({ failure: String(error?.stack ?? error) });
    }
  });
}
