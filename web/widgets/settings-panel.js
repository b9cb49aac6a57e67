// @ts-check
/**
 * The settings, in a dialog: sampling with the bundle's defaults beside it, and what runs.
 *
 * Whatever is valid counts at once; a wrong value stays in its field with a sentence and is not used.
 *
 * @module
 */

import { button, element, setText, uniqueId } from "../element.js";
import { describeDefault, parseSamplingField, placeholderOf, SAMPLING_FIELDS } from "../sampling-fields.js";
import { mountThisChat } from "./this-chat.js";
import { mountWhatRuns } from "./what-runs.js";

/** @typedef {import("../protocol.js").Ready} Ready */
/** @typedef {import("../protocol.js").Sampling} Sampling */
/** @typedef {import("../sampling-fields.js").SamplingField} SamplingField */
/** @typedef {import("../protocol.js").BackendPreference} BackendPreference */
/**
 * @typedef {object} SettingsView
 * @property {Ready | null} ready
 * @property {import("../chat-state.js").ChatState["phase"]} phase
 * @property {Sampling} sampling
 * @property {boolean} enableThinking
 * @property {BackendPreference} backend  what was asked for
 * @property {number | null} memory  bytes that were asked for; null: the default
 * @property {string} system
 * @property {boolean} canSave  there is something to save
 * @property {boolean} canOpen  nothing is being answered
 */

/**
 * @typedef {object} SettingsActions
 * @property {(sampling: Sampling) => void} onSampling
 * @property {(preference: BackendPreference) => void} onBackend
 * @property {(budget: number | null) => void} onMemory
 * @property {(text: string) => void} onSystem
 * @property {() => void} onSave
 * @property {(file: File) => void} onOpen
 */

/**
 * @param {HTMLDialogElement} root
 * @param {SettingsActions} actions
 */
export function mountSettingsPanel(root, { onSampling, onBackend, onMemory, onSystem, onSave, onOpen }) {
  /** @type {SettingsView} */
  let view = {
    ready: null,
    phase: "loading",
    sampling: {},
    enableThinking: true,
    backend: "auto",
    memory: null,
    system: "",
    canSave: false,
    canOpen: false,
  };
  const fields = SAMPLING_FIELDS.map((field) =>
    mountField(field, (value) => {
      const sampling = { ...view.sampling, [field.key]: value };
      if (value === undefined) delete sampling[field.key];
      onSampling(sampling);
    }),
  );
  const reset = button({
    label: "Reset to defaults",
    text: true,
    className: "plm-button plm-button-outlined",
    onPress: () => {
      onSampling({});
      for (const field of fields) field.reset({});
    },
  });
  const close = button({ label: "Close settings", icon: "close", onPress: () => root.close() });
  const whatRuns = mountWhatRuns({ onBackend, onMemory });
  const thisChat = mountThisChat({ onSystem, onSave, onOpen });
  root.setAttribute("aria-label", "Settings");
  root.append(
    element("div", { class: "plm-settings-panel-bar" }, element("h2", {}, "Settings"), close),
    element("h3", {}, "This chat"),
    thisChat.item,
    element("h3", {}, "Sampling"),
    element(
      "p",
      { class: "plm-muted" },
      "Counts from the next answer on. Empty fields take the model's default.",
    ),
    ...fields.map(({ item }) => item),
    reset,
    element("h3", {}, "What runs"),
    whatRuns.item,
  );
  // A press on the backdrop has the dialog itself as its target.
  root.addEventListener("click", (event) => {
    if (event.target === root) root.close();
  });

  return {
    /** @param {SettingsView} next */
    update(next) {
      view = next;
      const generation = view.ready?.model.generation ?? null;
      const modelThinks = view.ready?.model.thinking ?? true;
      for (const field of fields) field.update(generation, view.enableThinking && modelThinks, modelThinks);
      thisChat.update(view);
      whatRuns.update(view);
    },
    open() {
      for (const field of fields) field.reset(view.sampling);
      thisChat.reset(view.system);
      whatRuns.reset(view.memory);
      root.showModal();
    },
  };
}

/**
 * @param {SamplingField} field
 * @param {(value: number | undefined) => void} onValue
 */
function mountField(field, onValue) {
  const hintId = uniqueId("hint");
  const problemId = uniqueId("problem");
  const inputId = uniqueId(field.key);
  const input = element("input", {
    id: inputId,
    type: "text",
    inputmode: field.integer ? "numeric" : "decimal",
    autocomplete: "off",
    spellcheck: "false",
    "aria-describedby": `${hintId} ${problemId}`,
  });
  const ofDefault = element("span");
  const hint = element("span");
  const problem = element("p", { class: "plm-settings-panel-problem", id: problemId, "aria-live": "polite" });
  const item = element(
    "div",
    { class: "plm-settings-panel-field" },
    element("label", { for: inputId }, field.label),
    input,
    element("p", { class: "plm-muted", id: hintId }, hint, " ", ofDefault),
    problem,
  );

  function check() {
    const parsed = parseSamplingField(field, input.value);
    input.setAttribute("aria-invalid", String(parsed.problem !== undefined));
    setText(problem, parsed.problem ?? "");
    return parsed;
  }

  input.addEventListener("input", () => {
    const parsed = check();
    onValue(parsed.problem === undefined ? parsed.value : undefined);
  });

  return {
    item,
    /**
     * @param {import("../sampling-fields.js").GenerationByMode | null} generation
     * @param {boolean} enableThinking
     * @param {boolean} modelThinks
     */
    update(generation, enableThinking, modelThinks) {
      item.hidden = field.onlyThinking === true && !modelThinks;
      setText(hint, modelThinks ? field.hint : (field.hintWithoutThinking ?? field.hint));
      setText(ofDefault, describeDefault(field, generation));
      input.placeholder = placeholderOf(field, generation, enableThinking);
    },
    /** @param {Sampling} sampling */
    reset(sampling) {
      input.value = String(sampling[field.key] ?? "");
      check();
    },
  };
}
