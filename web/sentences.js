// @ts-check
/**
 * The sentences the page says about loading, thinking and speed.
 *
 * Pure: values in, English out. Sizes are decimal (1 MB = 1,000,000 bytes), as browsers count downloads.
 *
 * @module
 */

/** @typedef {import("./protocol.js").LoadStage} LoadStage */
/** @typedef {import("./protocol.js").Progress} Progress */
/** @typedef {import("./protocol.js").Usage} Usage */
/** @typedef {import("./protocol.js").FinishReason} FinishReason */

/** @type {readonly LoadStage[]} */
export const LOAD_STAGES = ["runtime", "weights", "compile", "warmup"];

/** @type {Record<LoadStage, {name: string, waiting: string, active: string, finished: string}>} */
const STAGE_WORDS = {
  runtime: {
    name: "Python",
    waiting: "Waits to start.",
    active: "Fetching the runtime",
    finished: "The runtime is here",
  },
  weights: {
    name: "Model",
    waiting: "Waits to start.",
    active: "Fetching the model's weights",
    finished: "The weights are here",
  },
  compile: {
    name: "Compile",
    waiting: "Follows when the weights are here.",
    active: "Preparing the model for this device",
    finished: "Prepared for this device",
  },
  warmup: {
    name: "Warm-up",
    waiting: "Comes last.",
    active: "Running the model once, so that the first answer does not wait",
    finished: "Ran once",
  },
};

/** @param {LoadStage} stage */
export function stageName(stage) {
  return STAGE_WORDS[stage].name;
}

/**
 * @param {Progress | undefined} progress
 * @returns {"waiting" | "active" | "finished"}
 */
export function stageState(progress) {
  if (!progress) return "waiting";
  const finished = progress.totalBytes > 0 && progress.loadedBytes >= progress.totalBytes;
  return finished ? "finished" : "active";
}

/**
 * Where a stage of loading is, e.g. "Fetching the model's weights: 0.8 of 1.6 MB."
 * @param {LoadStage} stage
 * @param {Progress | undefined} progress  undefined: the stage has not begun
 */
export function stageSentence(stage, progress) {
  const words = STAGE_WORDS[stage];
  const state = stageState(progress);
  if (!progress || state === "waiting") return words.waiting;
  // Stages without bytes of their own count from 0 of 1 to 1 of 1.
  if (progress.totalBytes <= 1 && progress.loadedBytes <= 1) return `${words[state]}.`;
  if (state === "finished") return `${words.finished}: ${formatBytes(progress.totalBytes)}.`;
  if (progress.totalBytes === 0) return `${words.active}: ${formatBytes(progress.loadedBytes)} so far.`;
  const [loaded, total] = formatBytesOf(progress.loadedBytes, progress.totalBytes);
  return `${words.active}: ${loaded} of ${total}${transferWords(progress.transfer)}.`;
}

/** @param {import("./protocol.js").Transfer | undefined} transfer */
function transferWords(transfer) {
  if (!transfer) return "";
  if (transfer.waitingFor === "another-tab") return "; another tab fetches it, and this one waits";
  if (transfer.waitingFor === "connection") return "; the connection broke off and is tried again";
  if (transfer.bytesPerSecond === null || transfer.secondsLeft === null) return "";
  const left = formatDuration(Math.max(1, Math.ceil(transfer.secondsLeft)) * 1000);
  return `, ${formatBytes(transfer.bytesPerSecond)}/s, ${left.replace(".0", "")} left`;
}

/** @type {readonly [string, number][]} */
const UNITS = [
  ["GB", 1e9],
  ["MB", 1e6],
  ["kB", 1e3],
  ["bytes", 1],
];

/** @param {number} bytes */
function unitOf(bytes) {
  return UNITS.find(([, size]) => bytes >= size) ?? UNITS[UNITS.length - 1];
}

/**
 * @param {number} bytes
 * @param {readonly [string, number]} unit
 */
function inUnit(bytes, [, size]) {
  if (size === 1) return String(bytes);
  const amount = bytes / size;
  return amount.toFixed(amount < 100 ? 1 : 0);
}

/** @param {number} bytes */
export function formatBytes(bytes) {
  const unit = unitOf(bytes);
  return `${inUnit(bytes, unit)} ${unit[0]}`;
}

/**
 * Both numbers in the unit of the total, so that they can be compared at a glance.
 * @param {number} loadedBytes
 * @param {number} totalBytes
 * @returns {[string, string]}
 */
export function formatBytesOf(loadedBytes, totalBytes) {
  const unit = unitOf(totalBytes);
  return [inUnit(loadedBytes, unit), `${inUnit(totalBytes, unit)} ${unit[0]}`];
}

/** @param {number} milliseconds */
export function formatDuration(milliseconds) {
  const seconds = milliseconds / 1000;
  if (seconds < 10) return `${seconds.toFixed(1)} s`;
  if (seconds < 60) return `${Math.floor(seconds)} s`;
  return `${Math.floor(seconds / 60)} min ${Math.floor(seconds % 60)} s`;
}

/**
 * @param {number} elapsedMs
 * @param {boolean} running
 */
export function thoughtLabel(elapsedMs, running) {
  if (!running && elapsedMs === 0) return "Thought"; // a file of a chat does not say for how long
  if (!running) return `Thought for ${formatDuration(elapsedMs)}`;
  // Whole seconds while it runs: tenths would flicker.
  const seconds = Math.floor(elapsedMs / 1000);
  const elapsed = seconds < 60 ? `${seconds} s` : formatDuration(elapsedMs);
  return `Thinking… ${elapsed}`;
}

/** @param {number} count */
function formatCount(count) {
  return count.toLocaleString("en");
}

/**
 * Tokens per second, or "" when the time is too short to divide by.
 * @param {number} tokens
 * @param {number} milliseconds
 */
export function formatRate(tokens, milliseconds) {
  if (tokens <= 0 || milliseconds <= 0) return "";
  const rate = (tokens * 1000) / milliseconds;
  return `${rate < 10 ? rate.toFixed(1) : formatCount(Math.round(rate))} tokens/s`;
}

/**
 * The parts of an answer's stats line.
 * @param {Usage} usage
 * @returns {{label: string, value: string, explanation: string}[]}
 */
export function statsParts(usage) {
  const read = usage.promptTokens - usage.cachedTokens;
  const written = usage.reasoningTokens + usage.answerTokens - (usage.replayedTokens ?? 0);
  return [
    {
      label: "Prefill",
      value: formatRate(read, usage.prefillMs) || "–",
      explanation: `Read ${formatCount(read)} tokens; ${formatCount(usage.cachedTokens)} more were still in the cache.`,
    },
    {
      label: "Decode",
      value: formatRate(written, usage.decodeMs) || "–",
      explanation: `Wrote ${formatCount(usage.reasoningTokens)} tokens of reasoning and ${formatCount(usage.answerTokens)} of answer in ${formatCount(usage.steps)} steps.`,
    },
    {
      label: "Context",
      value: `${formatCount(usage.contextUsed)} / ${formatCount(usage.contextSize)}`,
      explanation: `Tokens of this conversation in the model's memory, which has ${formatBytes(usage.keyValueBytes)} now, and how many fit.`,
    },
    {
      label: "Seed",
      value: String(usage.seed),
      explanation: "Put this seed in the settings to get the same answer again.",
    },
  ];
}

/**
 * Why an answer ended, when a person would otherwise wonder; "" for a natural end.
 * @param {FinishReason} finishReason
 * @param {Usage | null} usage
 */
export function finishSentence(finishReason, usage) {
  if (finishReason === "abort") return "Stopped.";
  if (finishReason === "stop") return usage?.reasoningCut ? "Its thinking was cut short by the budget." : "";
  // The last token may not have gone into the cache any more.
  if (usage && usage.contextUsed >= usage.contextSize - 1) {
    return "The context is full: start a new chat to go on.";
  }
  return "Cut off at the limit of new tokens. Raise “Max new tokens” in the settings for a longer answer.";
}

/**
 * What the next question takes of the context.
 * @param {import("./protocol.js").Counted} counted
 */
export function contextSentence({ tokens, contextSize }) {
  return `${formatCount(tokens)} of ${formatCount(contextSize)} tokens of the context`;
}

/**
 * What a person reads while the model has not begun to answer; "" once it has.
 * @param {Pick<import("./chat-state.js").Turn, "status" | "prefill">} turn
 */
export function waitingSentence({ status, prefill }) {
  if (status === "queued") return "Waits for the model…";
  if (status === "suspended") return "Interrupted. It goes on when the model is loaded again.";
  if (status !== "reading") return "";
  if (prefill === null || prefill === undefined) return "Reading…";
  return `Reading… ${formatCount(prefill.readTokens)} of ${formatCount(prefill.promptTokens)} tokens`;
}

/**
 * Why thinking cannot be switched on.
 * @param {string} model
 */
export function noThinkingSentence(model) {
  return `${model} answers without thinking first.`;
}

/**
 * What the page says when its address asks a model to think that does not.
 * @param {string} model
 */
export function thinkingAskedSentence(model) {
  return `“thinking=1” in the address cannot apply: ${noThinkingSentence(model)}`;
}

/**
 * Why the model can call no tools.
 * @param {string} model
 */
export function noToolsSentence(model) {
  return `${model} cannot call tools: its chat template does not show it any.`;
}

/** @param {number} enabled  how many tools the model may call */
export function toolsLabel(enabled) {
  return enabled === 0 ? "Tools" : `Tools: ${enabled} on`;
}

/** @param {NonNullable<import("./turn.js").Turn["answerForm"]>} answerForm */
export function answerFormSentence(answerForm) {
  const form = answerForm === "regex" ? "fit your pattern" : "are JSON of your schema";
  return `Answers ${form}: see the settings.`;
}

/**
 * What a call is, at a glance.
 * @param {import("./turn.js").Call} call
 */
export function callLabel({ call, result, asksPerson }) {
  if (call.problem !== undefined) return "A call that could not be understood";
  if (asksPerson) return `${call.name} waits for its result`;
  if (result !== null) return `Called ${call.name}`;
  return `Calling ${call.name}…`;
}

/**
 * @param {import("./chat-shelf.js").ShelvedChat | Pick<import("./chat-state.js").ChatState, "turns" | "isBranch">} chat
 */
export function chatSentence({ turns, isBranch }) {
  const questions = turns.length === 1 ? "1 question" : `${formatCount(turns.length)} questions`;
  const last = turns.length > 1 ? `, the last: ${turns[turns.length - 1].question}` : "";
  return `${isBranch ? "Branch, " : ""}${questions}${last}`;
}
