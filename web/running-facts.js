// @ts-check
/**
 * The story of a load in words: which backends were dropped, what was checked and measured, and on what machine.
 *
 * Pure: what `ready` says in, English out.
 *
 * @module
 */

import { formatBytes, formatDuration, formatRate } from "./sentences.js";

/** @typedef {import("./protocol.js").Ready} Ready */
/** @typedef {import("./protocol.js").GraphName} GraphName */

const LONGEST_PROBLEM = 160;
/** Two cores decode Qwen3-0.6B on WASM in a quarter of it. */
const SLOW_DECODE_MS = 250;
/** @type {Record<GraphName, string>} */
const NAMES = {
  "webgpu-f16": "WebGPU in half precision",
  "webgpu-f32": "WebGPU in single precision",
  wasm: "WASM",
};

/**
 * What a person is told when something else runs than should have.
 * @param {Ready["backend"]} backend
 * @returns {string} empty: the first choice runs
 */
export function droppedSentence({ graph, dropped }) {
  if (dropped.length === 0) return "";
  const told = dropped.map((each) => `${NAMES[each.graph]} was dropped: ${shortened(each.problem)}.`);
  return `${told.join(" ")} ${NAMES[graph]} runs instead. The settings say more under “What runs”.`;
}

/**
 * What a person is told when the GPU is so slow that WASM may be faster. Nobody tries that: it takes memory that a machine
 * with such a GPU may not have.
 * @param {Ready["backend"]} backend
 * @returns {string} empty: it is not
 */
export function slowSentence({ name, decodeMs }) {
  if (name === "wasm" || decodeMs <= SLOW_DECODE_MS) return "";
  return `WebGPU takes ${formatDuration(decodeMs)} for a token here: WASM may be faster, and can be chosen in the settings.`;
}

/**
 * What a person is told when the model has loaded, and was not told when it loaded before.
 * @param {Ready} ready
 * @param {Ready | null} before  it was lost since; null: it had not loaded
 * @param {boolean} isAutomatic  whether the page chose the backend
 * @returns {string[]}
 */
export function newsOfLoad(ready, before, isAutomatic) {
  const sentences = [
    droppedSentence(ready.backend),
    isAutomatic && before?.backend.graph !== ready.backend.graph ? slowSentence(ready.backend) : "",
    ready.store.reason ?? "",
  ];
  const told = before === null ? [] : [droppedSentence(before.backend), before.store.reason];
  return sentences.filter((sentence) => sentence !== "" && !told.includes(sentence));
}

/** @param {string} problem  in onnxruntime's words it can fill a screen; the settings have all of it */
function shortened(problem) {
  const line = problem.split("\n", 1)[0];
  return line.length <= LONGEST_PROBLEM ? line : `${line.slice(0, LONGEST_PROBLEM - 2)} …`;
}

/**
 * @param {Ready} ready
 * @returns {Array<{term: string, text: string}>}
 */
export function runningFacts({ backend, machine }) {
  return [
    ...backend.dropped.map(({ graph, error }) => ({
      term: `${NAMES[graph]}, dropped`,
      text: `${error.message} (${error.name})`,
    })),
    { term: "First tokens", text: checkSentence(backend.check) },
    { term: "Speed", text: speedSentence(backend) },
    { term: "Graphics", text: adapterSentence(machine.adapter) },
    { term: "Machine", text: machineSentence(machine) },
  ];
}

/** @param {Ready["backend"]} backend */
function speedSentence(backend) {
  const rate = formatRate(1, backend.decodeMs) || "A token in less than this browser's clock shows";
  return `${rate}, measured while loading, on a short conversation. ${slowSentence(backend)}`.trimEnd();
}

/** @param {import("./protocol.js").BackendCheck} check */
function checkSentence({ against, tokens, nearTies }) {
  if (against === null) {
    return "The bundle names none to compare with: only that logits are sound numbers was checked.";
  }
  const where = against === "certificate" ? "the bundle's certificate" : "what its export computed";
  const undecided = nearTies === 0 ? "" : ` (${nearTies} where the model is undecided)`;
  return `${tokens} compared with ${where}: they agree${undecided}.`;
}

/** @param {import("./protocol.js").AdapterDescription | null} adapter */
function adapterSentence(adapter) {
  if (adapter === null) return "No adapter: none was found, or WASM was asked for.";
  const { name, software, shaderF16, subgroups, largestBindingBytes, storageBuffers } = adapter;
  return [
    software ? `${name}, in software` : name,
    `half precision (shader-f16): ${shaderF16 ? "yes" : "no"}`,
    `subgroups: ${subgroups ? "yes" : "no"}`,
    `a shader may bind ${storageBuffers} buffers of up to ${formatBytes(largestBindingBytes)}`,
  ].join("; ");
}

/** @param {import("./protocol.js").MachineDescription} machine */
function machineSentence({ processors, threads, memoryGiB }) {
  const memory =
    memoryGiB === null ? "memory not told" : `${memoryGiB} GiB of memory, as the browser tells it`;
  return `${counted(processors, "processor")}; ${counted(threads, "thread")} for WASM; ${memory}.`;
}

/**
 * @param {number} count
 * @param {string} thing
 */
function counted(count, thing) {
  return `${count} ${thing}${count === 1 ? "" : "s"}`;
}
