// @ts-check
/**
 * What belongs to one chat in the settings: what the model is told before all else, and the chat as a file.
 *
 * @module
 */

import { button, element, uniqueId } from "../element.js";

/**
 * @param {{onSystem: (text: string) => void, onSave: () => void, onOpen: (file: File) => void}} actions
 */
export function mountThisChat({ onSystem, onSave, onOpen }) {
  const systemId = uniqueId("system");
  const hintId = uniqueId("hint");
  const system = element("textarea", {
    id: systemId,
    rows: "2",
    dir: "auto",
    "aria-describedby": hintId,
    placeholder: "For instance: Be brief.",
  });
  system.addEventListener("input", () => onSystem(system.value));
  // A file field cannot be dressed like a button; a button that presses it can.
  const file = element("input", { type: "file", accept: ".json,application/json", hidden: true });
  file.addEventListener("change", () => {
    const [chosen] = file.files ?? [];
    file.value = "";
    if (chosen) onOpen(chosen);
  });
  const className = "plm-button plm-button-outlined";
  const save = button({ label: "Save as a file", text: true, className, onPress: onSave });
  const open = button({ label: "Open a file", text: true, className, onPress: () => file.click() });

  return {
    item: element(
      "div",
      { class: "plm-this-chat" },
      element("label", { for: systemId }, "System prompt"),
      system,
      element(
        "p",
        { class: "plm-muted", id: hintId },
        "What the model is told before all else; counts from the next answer on.",
      ),
      element("div", { class: "plm-this-chat-file" }, save, open, file),
    ),
    /** @param {{canSave: boolean, canOpen: boolean}} view */
    update({ canSave, canOpen }) {
      save.disabled = !canSave;
      open.disabled = !canOpen;
    },
    /** @param {string} text */
    reset(text) {
      system.value = text;
    },
  };
}
