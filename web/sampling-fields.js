// @ts-check
/**
 * What a person may set about sampling: names, ranges, and the sentence for a value that does not fit.
 *
 * Pure; knows nothing of the DOM. The ranges lie within those `pagelm.sampling` accepts, so that a wrong value is
 * answered beside its field instead of by an error after sending.
 *
 * @module
 */

/** @typedef {import("./protocol.js").Sampling} Sampling */
/** @typedef {import("./protocol.js").GenerationDefaults} GenerationDefaults */
/** @typedef {{thinking: GenerationDefaults, non_thinking: GenerationDefaults}} GenerationByMode */

/**
 * @typedef {object} SamplingField
 * @property {Exclude<keyof Sampling, "logitBias" | "topLogprobs" | "stop">} key
 * @property {string} label
 * @property {string} hint  what it does, for a person
 * @property {number} minimum
 * @property {number} maximum
 * @property {boolean} integer
 * @property {number} step
 * @property {keyof GenerationDefaults} [defaultKey]  its name in the manifest; absent: the manifest has no default
 * @property {string} [hintWithoutThinking]  the hint for such a model
 * @property {string} [withoutDefault]  what happens when it is left empty and the manifest says nothing
 * @property {string} [placeholder]  the same in a word
 */

/** @type {readonly SamplingField[]} */
export const SAMPLING_FIELDS = [
  {
    key: "temperature",
    label: "Temperature",
    hint: "0 always takes the likeliest token; higher is more varied.",
    minimum: 0,
    maximum: 2,
    integer: false,
    step: 0.1,
    defaultKey: "temperature",
  },
  {
    key: "topK",
    label: "Top k",
    hint: "Choose among this many of the likeliest tokens; 0 means all. More than 64 is slower.",
    minimum: 0,
    maximum: 1000,
    integer: true,
    step: 1,
    defaultKey: "top_k",
  },
  {
    key: "topP",
    label: "Top p",
    hint: "Keep the likeliest tokens that together reach this probability.",
    minimum: 0,
    maximum: 1,
    integer: false,
    step: 0.05,
    defaultKey: "top_p",
  },
  {
    key: "minP",
    label: "Min p",
    hint: "Drop tokens less likely than this share of the likeliest one.",
    minimum: 0,
    maximum: 1,
    integer: false,
    step: 0.01,
    defaultKey: "min_p",
  },
  {
    key: "presencePenalty",
    label: "Presence penalty",
    hint: "Avoid every token that the reply holds already; 1 to 2 ends endless repetitions.",
    minimum: -2,
    maximum: 2,
    integer: false,
    step: 0.1,
    withoutDefault: "none",
    placeholder: "0",
  },
  {
    key: "frequencyPenalty",
    label: "Frequency penalty",
    hint: "The same, once more for each time that the reply holds the token.",
    minimum: -2,
    maximum: 2,
    integer: false,
    step: 0.1,
    withoutDefault: "none",
    placeholder: "0",
  },
  {
    key: "repetitionPenalty",
    label: "Repetition penalty",
    hint: "Avoid the tokens of question and reply alike; 1.05 to 1.2 is usual, below 1 seeks them.",
    minimum: 0.5,
    maximum: 2,
    integer: false,
    step: 0.05,
    defaultKey: "repetition_penalty",
  },
  {
    key: "seed",
    label: "Seed",
    hint: "The same seed and question give the same answer.",
    minimum: 0,
    maximum: Number.MAX_SAFE_INTEGER,
    integer: true,
    step: 1,
    withoutDefault: "a new one each time",
    placeholder: "new",
  },
  {
    key: "thinkingBudget",
    label: "Thinking budget",
    hint: "After this many tokens of reasoning the answer begins.",
    minimum: 0,
    maximum: 40960,
    integer: true,
    step: 1,
    withoutDefault: "as long as the answer keeps room",
    placeholder: "no limit",
  },
  {
    key: "maxNewTokens",
    label: "Max new tokens",
    hint: "Reasoning and answer together stop here; some are kept for the answer.",
    hintWithoutThinking: "The answer stops here.",
    minimum: 1,
    maximum: 40960,
    integer: true,
    step: 1,
    withoutDefault: "until the context is full",
    placeholder: "no limit",
  },
];

/**
 * Reads what was typed in a field.
 * @param {SamplingField} field
 * @param {string} text
 * @returns {{value: number | undefined, problem?: undefined} | {value?: undefined, problem: string}}
 *   an empty text is `{value: undefined}`: the default
 */
export function parseSamplingField(field, text) {
  const trimmed = text.trim();
  if (trimmed === "") return { value: undefined };
  const value = Number(trimmed);
  const inside = value >= field.minimum && value <= field.maximum;
  if (inside && (!field.integer || Number.isInteger(value))) return { value };
  const kind = field.integer ? "a whole number" : "a number";
  const range = `from ${formatNumber(field.minimum)} to ${formatNumber(field.maximum)}`;
  return { problem: `${field.label} is ${kind} ${range}; this value is not used.` };
}

/**
 * The sentence that says what an empty field means.
 * @param {SamplingField} field
 * @param {GenerationByMode | null} generation  null while the model is not loaded
 * @returns {string}
 */
export function describeDefault(field, generation) {
  if (field.withoutDefault) return `Empty: ${field.withoutDefault}.`;
  if (!generation || !field.defaultKey) return "Default: known once the model is loaded.";
  const thinking = generation.thinking[field.defaultKey];
  const direct = generation.non_thinking[field.defaultKey];
  if (thinking === direct) return `Default: ${thinking}.`;
  return `Default: ${thinking} with thinking, ${direct} without.`;
}

/**
 * What an empty field shows as its placeholder.
 * @param {SamplingField} field
 * @param {GenerationByMode | null} generation
 * @param {boolean} enableThinking
 * @returns {string}
 */
export function placeholderOf(field, generation, enableThinking) {
  if (field.placeholder) return field.placeholder;
  if (!field.defaultKey || !generation) return "default";
  const mode = enableThinking ? generation.thinking : generation.non_thinking;
  return String(mode[field.defaultKey]);
}

/**
 * Keeps only what is known and valid of a stored sampling.
 * @param {unknown} stored
 * @returns {Sampling}
 */
export function restoreSampling(stored) {
  /** @type {Sampling} */
  const sampling = {};
  if (typeof stored !== "object" || stored === null) return sampling;
  const record = /** @type {Record<string, unknown>} */ (stored);
  for (const field of SAMPLING_FIELDS) {
    const value = record[field.key];
    if (typeof value !== "number") continue;
    if (parseSamplingField(field, String(value)).problem === undefined) sampling[field.key] = value;
  }
  return sampling;
}

/** @param {number} value */
function formatNumber(value) {
  return value.toLocaleString("en");
}
