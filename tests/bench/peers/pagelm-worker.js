// @ts-nocheck: served into the site's folder by the bench, where these modules are.
/**
 * pagelm's WASM backend without chat: tokens in, time out.
 *
 * @module
 */

import { chooseBackend } from "./backend-choice.js";
import { openBundle } from "./bundle-store.js";
import { measureContexts, median, serve, tokenIds } from "./contexts.js";
import { Decoder } from "./decoder.js";
import { compile } from "./model-loading.js";
import { loadOnnxRuntime } from "./onnxruntime.js";
import { fetchSiteIndex } from "./site-index.js";

const CHUNK_TOKENS = 128; // as the engine cuts prompts

async function run({ bundleUrl, threads, contexts, patience_ms, decodedTokens }) {
  const index = await fetchSiteIndex(new URL("./site.json", import.meta.url).href);
  const bundle = await openBundle(bundleUrl);
  const description = await chooseBackend("wasm", bundle.manifest.graphs);
  const ort = await loadOnnxRuntime(index, "wasm", threads, () => {});
  const files = await bundle.fetchAll(bundle.graph(description.graph));
  let expandedAt = 0;
  const started = performance.now();
  const { device, capabilities } = await compile(ort, bundle, description, files, bundle.manifest.model.max_position_embeddings, (done, total) => {
    if (done === total - 1) expandedAt = performance.now();
  });
  const expansion_ms = expandedAt - started;
  const session_ms = performance.now() - expandedAt;
  const decoder = new Decoder(device, capabilities);
  await decoder.warmUp();
  const figures = await measureContexts(contexts, patience_ms, async (context) => {
    decoder.truncate(0);
    const prefilledAt = performance.now();
    while (decoder.length < context) {
      const length = Math.min(CHUNK_TOKENS, context - decoder.length);
      const ids = Int32Array.from(tokenIds(length, decoder.length, capabilities.vocabSize));
      await decoder.prefill(ids, decoder.length);
    }
    const prefill_ms = (performance.now() - prefilledAt) / context;
    const times = [];
    for (let i = 0; i < decodedTokens; i++) {
      const at = performance.now();
      await decoder.decode((i * 31) % 1000);
      times.push(performance.now() - at);
    }
    return { prefill_ms, decode_ms: median(times) };
  });
  return { expansion_ms, session_ms, figures };
}

serve(run);
