// @ts-check
/**
 * How long the model may think: a slider for the round numbers, a field for any, both for the same value.
 *
 * @module
 */

import { element, setText, uniqueId } from "../element.js";
import { describeDefault, parseSamplingField, SAMPLING_FIELDS } from "../sampling-fields.js";
import { noThinkingSentence } from "../sentences.js";
import { budgetStops, budgetText, stopOf } from "../thinking-budgets.js";

/** @typedef {import("../protocol.js").Ready} Ready */
/** @typedef {import("../sampling-fields.js").SamplingField} SamplingField */

const FIELD = /** @type {SamplingField} */ (SAMPLING_FIELDS.find(({ key }) => key === "thinkingBudget"));
/** Until the model says how many tokens it holds. */
const USUAL_CONTEXT = 40_960;

/** @param {(budget: number | undefined) => void} onBudget  undefined: no limit */
export function mountThinkingBudget(onBudget) {
  const inputId = uniqueId("budget");
  const hintId = uniqueId("hint");
  const problemId = uniqueId("problem");
  const described = `${hintId} ${problemId}`;
  const slider = element("input", {
    type: "range",
    min: "0",
    step: "1",
    "aria-label": "Thinking budget, slider",
  });
  const input = element("input", {
    id: inputId,
    type: "text",
    inputmode: "numeric",
    autocomplete: "off",
    placeholder: "no limit",
    "aria-describedby": described,
  });
  slider.setAttribute("aria-describedby", described);
  const hint = element("p", { class: "plm-muted", id: hintId });
  const problem = element("p", { class: "plm-settings-panel-problem", id: problemId, "aria-live": "polite" });
  let stops = budgetStops(USUAL_CONTEXT);
  /** @type {number | undefined} */
  let shown;

  /** @param {number | undefined} budget */
  function showOnSlider(budget) {
    shown = budget;
    slider.max = String(stops.length - 1);
    slider.value = String(stopOf(stops, budget));
    slider.setAttribute("aria-valuetext", budgetText(budget));
  }

  function check() {
    const parsed = parseSamplingField(FIELD, input.value);
    input.setAttribute("aria-invalid", String(parsed.problem !== undefined));
    setText(problem, parsed.problem ?? "");
    return parsed.value;
  }

  slider.addEventListener("input", () => {
    const budget = stops[Number(slider.value)];
    input.value = budget === undefined ? "" : String(budget);
    check();
    showOnSlider(budget);
    onBudget(budget);
  });
  input.addEventListener("input", () => {
    const budget = check();
    showOnSlider(budget);
    onBudget(budget);
  });

  return {
    item: element(
      "div",
      { class: "plm-settings-panel-field" },
      element("label", { for: inputId }, FIELD.label),
      element("div", { class: "plm-settings-panel-slider" }, slider, input),
      hint,
      problem,
    ),
    /** @param {Ready | null} ready */
    update(ready) {
      const blocked = ready !== null && !ready.model.thinking;
      slider.disabled = blocked;
      input.disabled = blocked;
      setText(
        hint,
        blocked ? noThinkingSentence(ready.model.name) : `${FIELD.hint} ${describeDefault(FIELD, null)}`,
      );
      stops = budgetStops(ready?.model.contextSize ?? USUAL_CONTEXT);
      showOnSlider(shown);
    },
    /** @param {number | undefined} budget */
    reset(budget) {
      input.value = String(budget ?? "");
      check();
      showOnSlider(budget);
    },
  };
}
