// @ts-nocheck: served beside the installed packages by the bench.
/**
 * transformers.js on the same weights: its own `generate`, timed from token to token.
 *
 * @module
 */

import { measureContexts, median, serve, tokenIds } from "./contexts.js";
import { loadModel, Tensor } from "./transformers-js.js";

async function run({ model, threads, contexts, patience_ms, decodedTokens }) {
  const generator = await loadModel({ model, device: "wasm", threads });
  const vocabSize = generator.model.config.vocab_size;
  await generate(generator.model, tokenIds(16, 0, vocabSize), 2);
  const figures = await measureContexts(contexts, patience_ms, async (context, number) => {
    const times = await generate(generator.model, tokenIds(context, number, vocabSize), decodedTokens + 1);
    return { prefill_ms: times[0] / context, decode_ms: median(times.slice(1)) };
  });
  return { figures };
}

/** Milliseconds until the first token and between those after it. */
async function generate(model, ids, count) {
  const dims = [1, ids.length];
  const moments = [];
  const streamer = { put: () => moments.push(performance.now()), end: () => {} };
  await model.generate({
    input_ids: new Tensor("int64", BigInt64Array.from(ids, BigInt), dims),
    attention_mask: new Tensor("int64", new BigInt64Array(ids.length).fill(1n), dims),
    max_new_tokens: count,
    do_sample: false,
    eos_token_id: null,
    streamer,
  });
  // the first call of `put` hands over the prompt, before anything is computed
  if (moments.length !== count + 1) throw new Error(`${moments.length - 1} tokens came instead of ${count}`);
  return moments.slice(1).map((moment, i) => moment - moments[i]);
}

serve(run);
