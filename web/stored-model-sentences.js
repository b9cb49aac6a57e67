// @ts-check
/**
 * What the page says of the models that this browser keeps.
 *
 * Pure: values in, English out.
 *
 * @module
 */

import { formatBytes, formatBytesOf } from "./sentences.js";

/** @typedef {import("./model-store.js").KeptModel} KeptModel */
/** @typedef {import("./model-store.js").KeptModels} KeptModels */
/** @typedef {import("./model-store.js").Check} Check */
/**
 * @typedef {object} Use
 * @property {boolean} isCurrent  it is the model of this chat
 * @property {number} others  tabs and chats beside this one that use it now
 */

/** @type {readonly [Intl.RelativeTimeFormatUnit, number, number][]} unit, its milliseconds, up to how many of them */
const TIMES = [
  ["minute", 60_000, 60],
  ["hour", 3_600_000, 24],
  ["day", 86_400_000, 60],
];

/**
 * @param {number} lastUsedMs  since the epoch
 * @param {number} nowMs
 */
export function lastUseWords(lastUsedMs, nowMs) {
  const ago = Math.max(0, nowMs - lastUsedMs);
  if (ago < 60_000) return "used just now";
  const format = new Intl.RelativeTimeFormat("en");
  for (const [unit, size, limit] of TIMES) {
    if (ago < size * limit) return `used ${format.format(-Math.floor(ago / size), unit)}`;
  }
  return `last used on ${new Date(lastUsedMs).toISOString().slice(0, 10)}`;
}

/**
 * @param {KeptModel} model
 * @param {Use} use
 * @param {number} nowMs
 */
export function modelSentence(model, { isCurrent, others }, nowMs) {
  const [stored, total] = formatBytesOf(model.storedBytes, model.totalBytes);
  const size = model.isComplete
    ? formatBytes(model.storedBytes)
    : `Incomplete, ${stored} of ${total} (the next load fetches the rest)`;
  const shared = model.storedBytes - model.ownBytes;
  const amount = model.ownBytes === 0 ? "all" : formatBytes(shared);
  const sharing = shared > 0 ? `, ${amount} of it for other models too` : "";
  const current = isCurrent ? " This chat's model." : "";
  const elsewhere = others > 0 ? ` In use in ${tabs(others)}.` : "";
  return `${size}${sharing}; ${lastUseWords(model.lastUsedMs, nowMs)}.${current}${elsewhere}`;
}

/** @param {number} count */
function tabs(count) {
  return count === 1 ? "another tab" : `${count} other tabs`;
}

/**
 * What a person is asked before a model is deleted.
 * @param {KeptModel} model
 * @param {Use} use
 */
export function deleteQuestion(model, { isCurrent, others }) {
  const who = [...(isCurrent ? ["This chat"] : []), ...(others > 0 ? [tabs(others)] : [])];
  const subject = who.join(" and ");
  const verb = who.length > 1 || (!isCurrent && others > 1) ? "go" : "goes";
  const meanwhile =
    who.length === 0
      ? "The next load downloads it again."
      : `${subject[0].toUpperCase()}${subject.slice(1)} ${verb} on with what is in memory; the next load downloads it again.`;
  const question = `Delete ${model.name} from this device?`;
  return model.ownBytes === 0
    ? `${question} That frees nothing, because other models need what is kept of it.`
    : `${question} That frees ${formatBytes(model.ownBytes)}. ${meanwhile}`;
}

/**
 * @param {string} name  of the model
 * @param {number} freedBytes
 */
export function deletedSentence(name, freedBytes) {
  return `${name} is deleted: ${formatBytes(freedBytes)} are free.`;
}

/**
 * What came of checking a model.
 * @param {Check} check
 */
export function checkSentence({ checkedBytes, altered, missing }) {
  const problems = [
    ...(altered.length > 0 ? [`${files(altered)} damaged and ${wasOrWere(altered)} deleted`] : []),
    ...(missing.length > 0 ? [`${files(missing)} missing or not whole`] : []),
  ];
  if (problems.length === 0) return `All ${formatBytes(checkedBytes)} are right.`;
  return `${problems.join("; ")}. The next load fetches what is missing; the other ${formatBytes(checkedBytes)} are right.`;
}

/** @param {Check["altered"]} entries */
function files(entries) {
  const bytes = entries.reduce((sum, entry) => sum + entry.bytes, 0);
  const counted = entries.length === 1 ? `1 file (${entries[0].file},` : `${entries.length} files (`;
  return `${counted}${entries.length === 1 ? " " : ""}${formatBytes(bytes)}) ${wasOrWere(entries)}`;
}

/** @param {Check["altered"]} entries */
function wasOrWere({ length }) {
  return length === 1 ? "was" : "were";
}

/** @param {KeptModels} kept */
export function roomSentence({ models, usageBytes, quotaBytes, isPersistent }) {
  if (usageBytes === null || quotaBytes === null) return "";
  const promise = isPersistent
    ? "The browser keeps it until you delete it."
    : "The browser may delete it by itself when the device runs short of space.";
  return `This site keeps ${formatBytes(usageBytes)}, the page itself included, and may keep up to ${formatBytes(quotaBytes)}.${models.length > 0 ? ` ${promise}` : ""}`;
}

/** @param {number} bytes */
export function leftoverSentence(bytes) {
  return `${formatBytes(bytes)} are left over from older versions and stopped downloads. They go by themselves when a model needs the room.`;
}
