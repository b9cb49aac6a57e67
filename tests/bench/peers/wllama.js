// @ts-nocheck: served beside the installed package by the bench.
/**
 * wllama on the same weights: it times prompts and tokens itself, inside llama.cpp.
 *
 * @module
 */

import { LoggerWithoutDebug, Wllama } from "./wllama/index.js";

export async function run({ ggufUrl, threads, contexts, decodedTokens }) {
  const wllama = new Wllama(
    { default: new URL("./wllama/wasm/wllama.wasm", import.meta.url).href },
    { logger: LoggerWithoutDebug, suppressNativeLog: true },
  );
  const file = await (await fetch(ggufUrl)).blob();
  await wllama.loadModel([file], { n_threads: threads, n_ctx: Math.max(...contexts) + 64, n_gpu_layers: 0 });
  const figures = [];
  await complete(wllama, 16, 0, 2);
  for (const [number, context] of contexts.entries()) {
    const { prompt_n, prompt_ms, predicted_n, predicted_ms } = await complete(
      wllama,
      context,
      number + 1,
      decodedTokens,
    );
    figures.push({ context: prompt_n, prefill_ms: prompt_ms / prompt_n, decode_ms: predicted_ms / predicted_n });
  }
  await wllama.exit();
  return { figures };
}

/** " a" is one token; the first word differs from call to call, so that no cache helps. */
async function complete(wllama, promptTokens, number, decodedTokens) {
  const prompt = `${"bcdefgh"[number]}${" a".repeat(promptTokens - 1)}`;
  const sampling = { temperature: 0, ignore_eos: true, max_tokens: decodedTokens };
  const { timings } = await wllama.createCompletion({ prompt, ...sampling });
  return timings;
}
