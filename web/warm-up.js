// @ts-check
/**
 * The first runs of a decoder: they compile what the first steps would compile, show whether what comes out are the tokens
 * that the bundle expects, and how long a step takes. Forgets all about them afterwards.
 *
 * A graph that overflows, or a driver that miscompiles it, computes without an error; so each backend has to say the right
 * tokens before it is used. Costs the time of few steps: SLOW_MS after the two that compiling needs.
 *
 * @module
 */

import { BackendError, WrongTokensError } from "./errors.js";
import { expectedReply, judgeToken } from "./first-tokens.js";

/** @typedef {import("./decoder.js").Decoder} Decoder */
/** @typedef {import("./first-tokens.js").ExpectedReply} ExpectedReply */
/** @typedef {import("./protocol.js").BackendCheck} BackendCheck */

// Enough for the kernels that onnxruntime keeps for runs of many rows to be compiled too.
const PROMPT_TOKENS = 32;
const DECODED_TOKENS = 4;
/** Decoding stops early where it takes longer, the first step, which compiles, not counted. */
const SLOW_MS = 300;

/**
 * @param {Decoder} decoder  not used before
 * @param {import("./bundle-store.js").Manifest} manifest
 * @param {() => number} [now]  ms
 * @returns {Promise<{check: BackendCheck, decodeMs: number}>} decodeMs: the fastest decoded token's
 * @throws {BackendError} when what comes out are no logits, or not those of this model
 */
export async function warmUp(decoder, manifest, now = () => performance.now()) {
  const { graph, maxPositions } = decoder.capabilities;
  const positions = maxPositions - DECODED_TOKENS;
  const expected = expectedReply(manifest, graph, { promptTokens: PROMPT_TOKENS, positions });
  const prompt = expected?.inputIds ?? [];
  if (prompt.length < PROMPT_TOKENS) {
    const zeros = new Int32Array(Math.min(PROMPT_TOKENS, positions));
    checkNumbers(decoder, await decoder.prefill(zeros, 0));
    if (expected) decoder.truncate(0);
  }
  const run = new CheckedRun(decoder, expected);
  if (expected) run.take(await decoder.prefill(Int32Array.from(prompt), 0));
  const times = [];
  for (let spent = 0; times.length < DECODED_TOKENS && spent < SLOW_MS; ) {
    const started = now();
    const packed = await decoder.decode(run.nextToken());
    times.push(now() - started);
    run.take(packed);
    if (times.length > 1) spent += times[times.length - 1];
  }
  decoder.restart();
  return { check: run.check(), decodeMs: Math.min(...times) };
}

/** Compares step by step; goes on with the expected token, so that a near tie is no end. */
class CheckedRun {
  #decoder;
  #expected;
  #steps = 0;
  #nearTies = 0;

  /**
   * @param {Decoder} decoder
   * @param {ExpectedReply | null} expected
   */
  constructor(decoder, expected) {
    this.#decoder = decoder;
    this.#expected = expected;
  }

  /** @param {Float64Array} packed  K logits, then K ids, after one more step */
  take(packed) {
    checkNumbers(this.#decoder, packed);
    const expected = this.#expected;
    const step = this.#steps;
    if (!expected || step >= expected.ids.length) return;
    this.#steps++;
    const candidates = packed.length / 2;
    const tokenId = packed[candidates];
    const margin = candidates > 1 ? packed[0] - packed[1] : 0;
    const verdict = judgeToken(expected, step, tokenId, margin);
    if (verdict === "wrong") throw wrongToken(this.#decoder, expected, step, tokenId, margin);
    if (verdict === "near tie") this.#nearTies++;
  }

  /** What to run next. */
  nextToken() {
    return this.#expected?.ids[this.#steps - 1] ?? 0;
  }

  /** @returns {BackendCheck} */
  check() {
    return { against: this.#expected?.source ?? null, tokens: this.#steps, nearTies: this.#nearTies };
  }
}

/**
 * @param {Decoder} decoder
 * @param {Float64Array} packed  K logits, then K ids
 */
function checkNumbers({ capabilities }, packed) {
  const { candidates, vocabSize, graph } = capabilities;
  const sound = packed.every((value, index) =>
    index < candidates ? Number.isFinite(value) : value >= 0 && value < vocabSize,
  );
  const differ = candidates === 1 || packed[0] > packed[candidates - 1];
  const distinct = new Set(packed.subarray(candidates, 2 * candidates)).size === candidates;
  if (sound && differ && distinct) return;
  throw new BackendError(`the graph ${graph} computes garbage on this device: ${packed.slice(0, 3)} …`, {
    expected: "finite logits that differ, and token ids of the vocabulary, each once",
    remedy: remedyOn(capabilities),
  });
}

/**
 * @param {Decoder} decoder
 * @param {ExpectedReply} expected
 * @param {number} step
 * @param {number} tokenId
 * @param {number} margin
 */
function wrongToken({ capabilities }, { source, ids, margins }, step, tokenId, margin) {
  const said = source === "certificate" ? "its certificate" : "its export";
  return new WrongTokensError(`the graph ${capabilities.graph} computes wrongly on this device`, {
    expected:
      `token ${step + 1} after the bundle's check prompt to be ${ids[step]}, ahead by ${margins[step]} logits, as ${said} says; ` +
      `it is ${tokenId}, ahead by ${margin.toPrecision(4)}`,
    remedy: remedyOn(capabilities),
  });
}

/** @param {import("./decoder.js").DecoderCapabilities} capabilities */
function remedyOn({ name }) {
  return name === "wasm"
    ? "Update the browser, or export the bundle again."
    : "Choose WASM in the Settings, or update the browser and the GPU's driver.";
}
