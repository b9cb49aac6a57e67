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
import { mountAnswerForm } from "./answer-form.js";
import { mountSidePanel } from "./side-panel.js";
import { mountThinkingBudget } from "./thinking-budget.js";
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
 * @property {import("../response-format.js").FormatChoice} format
 * @property {string} formatProblem
 * @property {boolean} canSave  there is something to save
 * @property {boolean} canOpen  nothing is being answered
 */

/**
 * @typedef {object} SettingsActions
 * @property {(sampling: Sampling) => void} onSampling
 * @property {(preference: BackendPreference) => void} onBackend
 * @property {(budget: number | null) => void} onMemory
 * @property {(text: string) => void} onSystem
 * @property {(format: import("../response-format.js").FormatChoice) => void} onFormat
 * @property {() => void} onSave
 * @property {(file: File) => void} onOpen
 * @property {() => void} onStoredModels
 */

/**
 * @param {HTMLDialogElement} root
 * @param {SettingsActions} actions
 */
export function mountSettingsPanel(root, actions) {
  /** @type {Sampling} */
  let sampling = {};
  /**
   * @param {SamplingField["key"]} key
   * @param {number | undefined} value
   */
  function change(key, value) {
    const changed = { ...sampling, [key]: value };
    if (value === undefined) delete changed[key];
    actions.onSampling(changed);
  }
  const fields = SAMPLING_FIELDS.filter(({ key }) => key !== "thinkingBudget").map((field) =>
    mountField(field, (value) => change(field.key, value)),
  );
  const budget = mountThinkingBudget((value) => change("thinkingBudget", value));
  const answerForm = mountAnswerForm(actions.onFormat);
  const reset = button({
    label: "Reset to defaults",
    text: true,
    className: "plm-button plm-button-outlined",
    onPress: () => {
      actions.onSampling({});
      budget.reset(undefined);
      for (const field of fields) field.reset({});
    },
  });
  const whatRuns = mountWhatRuns(actions);
  const thisChat = mountThisChat(actions);
  const storedModels = button({
    label: "Stored models…",
    text: true,
    className: "plm-button plm-button-outlined",
    onPress: actions.onStoredModels,
  });
  storedModels.setAttribute("aria-haspopup", "dialog");
  mountSidePanel(
    root,
    "Settings",
    element("h3", {}, "This chat"),
    thisChat.item,
    element("h3", {}, "Answers"),
    budget.item,
    answerForm.item,
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
    storedModels,
  );

  return {
    /** @param {SettingsView} view */
    update(view) {
      sampling = view.sampling;
      const generation = view.ready?.model.generation ?? null;
      const modelThinks = view.ready?.model.thinking ?? true;
      for (const field of fields) field.update(generation, view.enableThinking && modelThinks, modelThinks);
      budget.update(view.ready);
      answerForm.update(view.formatProblem);
      thisChat.update(view);
      whatRuns.update(view);
    },
    /** @param {SettingsView} view */
    open(view) {
      for (const field of fields) field.reset(view.sampling);
      budget.reset(view.sampling.thinkingBudget);
      answerForm.reset(view.format);
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
