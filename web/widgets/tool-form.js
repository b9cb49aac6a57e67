// @ts-check
/**
 * Where a person describes a tool of their own; a field that cannot be used says so.
 *
 * @module
 */

import { element, setText, uniqueId } from "../element.js";
import { readTool } from "../tool-choice.js";

/**
 * @param {(tool: import("../protocol.js").ToolSchema) => void} onAdd
 * @param {() => string[]} taken  names of the tools that there are
 */
export function mountToolForm(onAdd, taken) {
  const name = mountField(
    "Name",
    element("input", { type: "text", autocomplete: "off", spellcheck: "false" }),
  );
  const description = mountField("What it does", element("input", { type: "text", autocomplete: "off" }));
  const parameters = mountField(
    "Parameters, as a JSON schema (empty: none)",
    element("textarea", { rows: "4", spellcheck: "false" }),
  );
  name.control.placeholder = "get_weather";
  description.control.placeholder = "Tells the weather at a place.";
  parameters.control.placeholder = '{"type": "object", "properties": {"place": {"type": "string"}}}';
  const root = element(
    "form",
    { class: "plm-tool-form" },
    name.root,
    description.root,
    parameters.root,
    element("button", { type: "submit", class: "plm-button plm-button-outlined" }, "Add the tool"),
  );
  root.addEventListener("submit", (event) => {
    event.preventDefault();
    const typed = {
      name: name.control.value,
      description: description.control.value,
      parameters: parameters.control.value,
    };
    const read = readTool(typed, taken());
    name.say(read.problem !== undefined && read.field === "name" ? read.problem : "");
    parameters.say(read.problem !== undefined && read.field === "parameters" ? read.problem : "");
    if (read.problem !== undefined) {
      (read.field === "name" ? name : parameters).control.focus();
      return;
    }
    root.reset();
    onAdd(read.tool);
  });
  return { root };
}

/**
 * @template {HTMLInputElement | HTMLTextAreaElement} Control
 * @param {string} label
 * @param {Control} control
 */
function mountField(label, control) {
  const problemId = uniqueId("problem");
  control.id = uniqueId("field");
  control.setAttribute("aria-describedby", problemId);
  const problem = element("p", { class: "plm-settings-panel-problem", id: problemId, "aria-live": "polite" });
  return {
    control,
    root: element("div", {}, element("label", { for: control.id }, label), control, problem),
    /** @param {string} sentence  "" for none */
    say(sentence) {
      setText(problem, sentence);
      control.setAttribute("aria-invalid", String(sentence !== ""));
    },
  };
}
