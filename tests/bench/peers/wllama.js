// @ts-nocheck: served beside the installed package by the bench.
/**
 * wllama on the same weights: it times prompts and tokens itself, inside llama.cpp.
 *
 * @module
 */

import { measureContexts } from "./contexts.js";
import { LoggerWithoutDebug, Wllama } from "./wllama/index.js";

export async function run({ ggufUrl, threads, contexts, patience_ms, decodedTokens }) {
  const wllama = new Wllama(
    { default: new URL("./wllama/wasm/wllama.wasm", import.meta.url).href },
    { logger: LoggerWithoutDebug, suppressNativeLog: true },
  );
  const file = await (await fetch(ggufUrl)).blob();
  await wllama.loadModel([file], { n_threads: threads, n_ctx: Math.max(...contexts) + 64, n_gpu_layers: 0 });
  await complete(wllama, 16, 0, 2);
  const figures = await measureContexts(contexts, patience_ms, async (context, number) => {
    const timings = await complete(wllama, context, number + 1, decodedTokens);
    const { prompt_n, prompt_ms, predicted_n, predicted_ms } = timings;
    if (prompt_n !== context) throw new Error(`wllama prefilled ${prompt_n} tokens instead of ${context}`);
    return { prefill_ms: prompt_ms / prompt_n, decode_ms: predicted_ms / predicted_n };
  });
  return { figures };
}

/** " a" is one token; the first word differs from call to call, so that no cache helps. */
async function complete(wllama, promptTokens, number, decodedTokens) {
  const prompt = `${"bcdefgh"[number]}${" a".repeat(promptTokens - 1)}`;
  const sampling = { temperature: 0, ignore_eos: true, max_tokens: decodedTokens };
  const { timings } = await wllama.createCompletion({ prompt, ...sampling });
  return timings;
}
