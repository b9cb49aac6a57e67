// @ts-check
/**
 * The tools that the model may call: what each does, a switch for each, and the person's own.
 *
 * @module
 */

import { button, element, setText } from "../element.js";
import { noToolsSentence } from "../sentences.js";
import { addTool, removeTool, switchTool } from "../tool-choice.js";
import { mountSidePanel } from "./side-panel.js";
import { mountSwitch } from "./switch.js";
import { mountToolForm } from "./tool-form.js";

/** @typedef {import("../chat-state.js").ToolChoice} ToolChoice */
/** @typedef {import("../protocol.js").ToolSchema} ToolSchema */

/**
 * @typedef {object} ToolsView
 * @property {ToolChoice} tools
 * @property {ToolSchema[] | null | undefined} builtIn  null: the model cannot call any; undefined: not known yet
 * @property {string} model  its name
 */

/**
 * @param {HTMLDialogElement} root
 * @param {{onTools: (tools: ToolChoice) => void}} actions
 */
export function mountToolsPanel(root, { onTools }) {
  /** @type {ToolsView} */
  let view = { tools: { enabled: [], own: [] }, builtIn: undefined, model: "" };
  const reason = element("p", { class: "plm-tools-panel-reason", "aria-live": "polite" });
  const list = element("ul", { class: "plm-tools-panel-list" });
  const form = mountToolForm(
    (tool) => onTools(addTool(view.tools, tool)),
    () => known().map((tool) => tool.function.name),
  );
  mountSidePanel(
    root,
    "Tools",
    element(
      "p",
      { class: "plm-muted" },
      "The model may call a tool while it answers. The call and its result stand in the conversation.",
    ),
    reason,
    list,
    element("h3", {}, "A tool of your own"),
    element(
      "p",
      { class: "plm-muted" },
      "You describe it, and when the model calls it, you write what it gives.",
    ),
    form.root,
  );
  /** @type {Map<string, ReturnType<typeof mountTool>>} */
  const items = new Map();

  function known() {
    return [...(view.builtIn ?? []), ...view.tools.own];
  }

  /** @param {ToolSchema} tool */
  function mount(tool) {
    const { name } = tool.function;
    const item = mountTool(tool, {
      onSwitch: () => onTools(switchTool(view.tools, name, !view.tools.enabled.includes(name))),
      onRemove: view.tools.own.includes(tool) ? () => onTools(removeTool(view.tools, name)) : null,
    });
    items.set(name, item);
    list.append(item.root);
    return item;
  }

  return {
    /** @param {ToolsView} next */
    update(next) {
      view = next;
      const blocked = view.builtIn === null ? noToolsSentence(view.model) : "";
      setText(
        reason,
        view.builtIn === undefined ? "Which tools there are is known when the model is ready." : blocked,
      );
      reason.hidden = reason.textContent === "";
      const tools = known();
      for (const [name, { root: item }] of items) {
        if (tools.some((tool) => tool.function.name === name)) continue;
        item.remove();
        items.delete(name);
      }
      for (const tool of tools) {
        const item = items.get(tool.function.name) ?? mount(tool);
        item.update(blocked === "" && view.tools.enabled.includes(tool.function.name), blocked);
      }
    },
    open: () => root.showModal(),
  };
}

/**
 * @param {ToolSchema} tool
 * @param {{onSwitch: () => void, onRemove: (() => void) | null}} actions  null: it cannot be removed
 */
function mountTool({ function: { name, description = "", parameters } }, { onSwitch, onRemove }) {
  const toggle = mountSwitch(name, onSwitch);
  const row = element("div", { class: "plm-tools-panel-row" }, toggle.root);
  if (onRemove) row.append(button({ label: `Remove ${name}`, icon: "delete", onPress: onRemove }));
  const properties = /** @type {Record<string, {description?: string}>} */ (parameters.properties ?? {});
  const takes = Object.entries(properties).map(([key, { description: what }]) =>
    what ? `${key} (${what.replace(/\.$/, "")})` : key,
  );
  const sentence = [description, takes.length > 0 ? `Takes ${takes.join(", ")}.` : ""].join(" ").trim();
  return {
    root: element("li", {}, row, element("p", { class: "plm-muted" }, sentence)),
    update: toggle.update,
  };
}
