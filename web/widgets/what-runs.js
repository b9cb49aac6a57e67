// @ts-check
/**
 * What the model is loaded with, in the settings: backend and memory of the conversation, a sentence on what runs, and how
 * it came to that.
 *
 * @module
 */

import { BACKEND_CHOICES, parseMemory, runningSentence } from "../backend-preference.js";
import { element, setText, uniqueId } from "../element.js";
import { runningFacts } from "../running-facts.js";

/** @typedef {import("../protocol.js").BackendPreference} BackendPreference */

const MEGABYTE = 1e6;

/**
 * @param {{onBackend: (preference: BackendPreference) => void, onMemory: (budget: number | null) => void}} actions
 */
export function mountWhatRuns({ onBackend, onMemory }) {
  // The page's own announcer cannot be heard while the dialog is open.
  const running = element("p", { class: "plm-muted", "aria-live": "polite" });
  const backend = mountBackendChoice(onBackend);
  const memory = mountMemoryField(onMemory);
  const facts = mountFacts();
  return {
    item: element("div", {}, backend.item, memory.item, running, facts.item),
    /** @param {Pick<import("./settings-panel.js").SettingsView, "phase" | "backend" | "ready">} view */
    update(view) {
      backend.update(view.backend);
      memory.update(view.ready);
      setText(running, runningSentence(view.phase, view.backend, view.ready));
      facts.update(view.ready);
    },
    /** @param {number | null} budget */
    reset(budget) {
      memory.reset(budget);
    },
  };
}

function mountFacts() {
  const item = element("dl", { class: "plm-settings-panel-facts" });
  /** @type {import("../protocol.js").Ready | null} */
  let shown = null;
  return {
    item,
    /** @param {import("../protocol.js").Ready | null} ready */
    update(ready) {
      if (ready === shown) return;
      shown = ready;
      const facts = ready ? runningFacts(ready) : [];
      item.replaceChildren(
        ...facts.flatMap(({ term, text }) => [element("dt", {}, term), element("dd", {}, text)]),
      );
    },
  };
}

/** @param {(preference: BackendPreference) => void} onBackend */
function mountBackendChoice(onBackend) {
  const selectId = uniqueId("backend");
  const hintId = uniqueId("hint");
  const options = BACKEND_CHOICES.map(({ value, label }) => element("option", { value }, label));
  const select = element("select", { id: selectId, "aria-describedby": hintId }, ...options);
  const hint = element("p", { class: "plm-muted", id: hintId }, "A change loads the model again.");
  select.addEventListener("change", () => {
    const choice = BACKEND_CHOICES.find(({ value }) => value === select.value);
    if (choice) onBackend(choice.value);
  });
  const label = element("label", { for: selectId }, "Backend");
  return {
    item: element("div", { class: "plm-settings-panel-field" }, label, select, hint),
    /** @param {BackendPreference} preference */
    update(preference) {
      if (select.value !== preference) select.value = preference;
    },
  };
}

/** @param {(budget: number | null) => void} onMemory */
function mountMemoryField(onMemory) {
  const inputId = uniqueId("memory");
  const hintId = uniqueId("hint");
  const problemId = uniqueId("problem");
  const input = element("input", {
    id: inputId,
    type: "text",
    inputmode: "numeric",
    autocomplete: "off",
    "aria-describedby": `${hintId} ${problemId}`,
  });
  const problem = element("p", { class: "plm-settings-panel-problem", id: problemId, "aria-live": "polite" });
  // Not on every key: what is chosen loads the model again.
  input.addEventListener("change", () => {
    const parsed = parseMemory(input.value);
    input.setAttribute("aria-invalid", String(parsed.problem !== undefined));
    setText(problem, parsed.problem ?? "");
    if (parsed.problem === undefined) onMemory(parsed.budget);
  });
  const hint = element(
    "p",
    { class: "plm-muted", id: hintId },
    "Bounds how long a conversation can be. A change loads the model again.",
  );
  const label = element("label", { for: inputId }, "Memory for the conversation, in MB");
  return {
    item: element("div", { class: "plm-settings-panel-field" }, label, input, hint, problem),
    /** @param {import("../protocol.js").Ready | null} ready */
    update(ready) {
      if (ready) input.placeholder = String(Math.round(ready.keyValues.budgetBytes / MEGABYTE));
    },
    /** @param {number | null} budget */
    reset(budget) {
      input.value = budget === null ? "" : String(Math.round(budget / MEGABYTE));
      setText(problem, "");
      input.setAttribute("aria-invalid", "false");
    },
  };
}
