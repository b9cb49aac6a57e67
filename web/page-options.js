// @ts-check
/**
 * What the address and `site.json` say about this page: which model, which backend, thinking or not.
 *
 * Pure. An address that asks for something impossible is answered with a sentence, never silently ignored.
 *
 *   ?backend=auto|webgpu|webgpu-f16|webgpu-f32|wasm   ?thinking=0|1   ?model=<name>
 *   ?threads=<n>   ?memory=<MB>   ?fetches=<n>   ?instrument=1
 *
 * @module
 */

import { BACKEND_CHOICES, parseMemory } from "./backend-preference.js";
import { SiteError } from "./errors.js";

/** @typedef {import("./protocol.js").LoadOptions} LoadOptions */
/** @typedef {import("./protocol.js").BackendPreference} BackendPreference */

/**
 * What the page reads of `site.json` (docs/contracts.md, "Site").
 * @typedef {object} SiteModel
 * @property {string} name
 * @property {string} path  folder of the bundle, relative to site.json
 * @property {number} [bytes]
 * @property {string} [description]  one sentence for the empty page
 * @property {string[]} [examples]  questions this model can answer
 */

/**
 * @typedef {object} Site
 * @property {string} default_model
 * @property {SiteModel[]} models
 */

/**
 * @typedef {object} PageOptions
 * @property {SiteModel} model
 * @property {LoadOptions} load
 * @property {boolean | null} enableThinking  null: the address does not say
 * @property {string[]} problems  sentences about what the address asks for and cannot have
 */

/**
 * @param {string} search  `location.search`
 * @param {Site} site
 * @param {string} siteUrl  the address site.json came from; the bundle's path is relative to it
 * @param {boolean} isolated  whether the page is cross-origin isolated: only then can WASM have threads
 * @returns {PageOptions}
 * @throws {SiteError}
 */
export function readPageOptions(search, site, siteUrl, isolated) {
  const parameters = new URLSearchParams(search);
  /** @type {string[]} */
  const problems = [];
  const model = chooseModel(parameters.get("model"), site, problems);
  /** @type {LoadOptions} */
  const load = {
    bundleUrl: new URL(model.path, siteUrl).href,
    backend: chooseBackend(parameters.get("backend"), problems),
  };
  const threads = readCount("threads", parameters.get("threads"), problems);
  if (threads !== undefined) load.threads = threads;
  if (threads !== undefined && threads > 1 && !isolated) {
    problems.push(
      `“threads=${threads}” in the address cannot apply: this host does not isolate the page (COOP/COEP), so WASM runs on 1 thread.`,
    );
  }
  const memoryBudget = readMemory(parameters.get("memory"), problems);
  if (memoryBudget !== undefined) load.memoryBudget = memoryBudget;
  const parallelFetches = readCount("fetches", parameters.get("fetches"), problems);
  if (parallelFetches !== undefined) load.parallelFetches = parallelFetches;
  if (parameters.get("instrument") === "1") load.instrument = true;
  return { model, load, enableThinking: readSwitch(parameters.get("thinking"), problems), problems };
}

/**
 * @param {string | null} name
 * @param {Site} site
 * @param {string[]} problems
 */
function chooseModel(name, site, problems) {
  const fallback = site.models.find((model) => model.name === site.default_model) ?? site.models[0];
  if (!fallback) {
    throw new SiteError("site.json lists no model", {
      expected: "at least one entry in “models”",
      remedy: "Build the site again with a bundle (pagelm site).",
    });
  }
  if (name === null) return fallback;
  const named = site.models.find((model) => model.name === name);
  if (named) return named;
  const known = site.models.map((model) => model.name).join(", ");
  problems.push(`This site has no model “${name}” (it has ${known}); ${fallback.name} is used.`);
  return fallback;
}

/**
 * @param {string | null} name
 * @param {string[]} problems
 * @returns {BackendPreference}
 */
function chooseBackend(name, problems) {
  if (name === null) return "auto";
  const choice = BACKEND_CHOICES.find(({ value }) => value === name);
  if (choice) return choice.value;
  const known = BACKEND_CHOICES.map(({ value }) => value).join(", ");
  problems.push(`“backend=${name}” in the address is unknown: write one of ${known}.`);
  return "auto";
}

/**
 * @param {string} name
 * @param {string | null} text
 * @param {string[]} problems
 */
function readCount(name, text, problems) {
  if (text === null) return undefined;
  const count = Number(text);
  if (Number.isInteger(count) && count >= 1) return count;
  problems.push(`“${name}=${text}” in the address is not a whole number from 1 on; the default is used.`);
  return undefined;
}

/**
 * @param {string | null} text
 * @param {string[]} problems
 */
function readMemory(text, problems) {
  if (text === null) return undefined;
  const { budget, problem } = parseMemory(text);
  if (problem === undefined) return budget ?? undefined;
  problems.push(`“memory=${text}” in the address is not a whole number of megabytes; the default is used.`);
  return undefined;
}

/**
 * @param {string | null} text
 * @param {string[]} problems
 */
function readSwitch(text, problems) {
  if (text === null) return null;
  if (text === "0" || text === "1") return text === "1";
  problems.push(`“thinking=${text}” in the address is unknown: write 0 or 1.`);
  return null;
}
