// @ts-check
/**
 * The form that answers are held to, in the settings: none, a JSON schema or a pattern, with what is wrong with it beside it.
 *
 * @module
 */

import { element, setText, uniqueId } from "../element.js";
import { FORMAT_KINDS, NO_FORMAT } from "../response-format.js";

/** @typedef {import("../response-format.js").FormatChoice} FormatChoice */

const TEXTS = {
  json_schema: {
    key: /** @type {const} */ ("schema"),
    label: "JSON schema",
    placeholder: '{"type": "object", "properties": {"sum": {"type": "integer"}}, "required": ["sum"]}',
  },
  regex: {
    key: /** @type {const} */ ("pattern"),
    label: "Pattern of the whole answer",
    placeholder: "yes|no",
  },
};

/** @param {(format: FormatChoice) => void} onFormat */
export function mountAnswerForm(onFormat) {
  /** @type {FormatChoice} */
  let format = NO_FORMAT;
  const selectId = uniqueId("form");
  const hintId = uniqueId("hint");
  const textId = uniqueId("format");
  const problemId = uniqueId("problem");
  const options = FORMAT_KINDS.map(({ value, label }) => element("option", { value }, label));
  const select = element("select", { id: selectId, "aria-describedby": hintId }, ...options);
  const label = element("label", { for: textId });
  const text = element("textarea", {
    id: textId,
    rows: "4",
    spellcheck: "false",
    "aria-describedby": problemId,
  });
  const problem = element("p", { class: "plm-settings-panel-problem", id: problemId, "aria-live": "polite" });
  const described = element(
    "div",
    { class: "plm-settings-panel-field plm-settings-panel-wide" },
    label,
    text,
    problem,
  );

  function show() {
    select.value = format.kind;
    described.hidden = format.kind === "none";
    if (format.kind === "none") return;
    const { key, label: words, placeholder } = TEXTS[format.kind];
    setText(label, words);
    text.placeholder = placeholder;
    if (text.value !== format[key]) text.value = format[key];
  }

  /** @param {FormatChoice} next */
  function change(next) {
    format = next;
    show();
    onFormat(next);
  }
  select.addEventListener("change", () => {
    const kind = FORMAT_KINDS.find(({ value }) => value === select.value)?.value;
    if (kind) change({ ...format, kind });
  });
  text.addEventListener("input", () => {
    if (format.kind !== "none") change({ ...format, [TEXTS[format.kind].key]: text.value });
  });

  return {
    item: element(
      "div",
      {},
      element(
        "div",
        { class: "plm-settings-panel-field" },
        element("label", { for: selectId }, "Form of answers"),
        select,
        element("p", { class: "plm-muted", id: hintId }, "Reasoning and calls of tools stay free."),
      ),
      described,
    ),
    /** @param {string} sentence  what is wrong with it; "" for nothing */
    update(sentence) {
      setText(problem, format.kind === "none" ? "" : sentence);
      text.setAttribute("aria-invalid", String(sentence !== ""));
    },
    /** @param {FormatChoice} next */
    reset(next) {
      format = next;
      show();
    },
  };
}
