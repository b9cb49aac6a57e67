// @ts-check
/**
 * Where a question is written and sent, thinking is switched, and an answer is stopped.
 *
 * @module
 */

import { button, element, icon, setText, uniqueId } from "../element.js";
import { answerFormSentence, contextSentence, noThinkingSentence, toolsLabel } from "../sentences.js";
import { mountSwitch } from "./switch.js";

/**
 * @typedef {object} ComposerActions
 * @property {(text: string) => void} onSend
 * @property {() => void} onStop
 * @property {(text: string) => void} onDraft
 * @property {(enabled: boolean) => void} onThinking
 * @property {() => void} onTools
 */

/**
 * @typedef {object} ComposerView
 * @property {string} draft
 * @property {boolean} busy  an answer is being made or waits to be
 * @property {boolean} waiting  it waits to be
 * @property {"loading" | "ready" | "failed"} phase
 * @property {boolean} enableThinking
 * @property {boolean} modelThinks  whether it can; true while that is not known
 * @property {string} model  its name
 * @property {number} tools  how many the model may call
 * @property {import("../turn.js").Turn["answerForm"]} answerForm
 * @property {import("../protocol.js").Counted | null} context  what a prompt with the draft takes
 */

/**
 * @param {HTMLFormElement} root
 * @param {ComposerActions} actions
 */
export function mountComposer(root, { onSend, onStop, onDraft, onThinking, onTools }) {
  const hintId = uniqueId("hint");
  const field = element("textarea", {
    rows: "1",
    "aria-label": "Message",
    "aria-describedby": hintId,
    placeholder: "Ask something",
    enterkeyhint: "send",
    autocomplete: "off",
    dir: "auto",
  });
  const thinking = mountSwitch("Thinking", () => onThinking(!view.enableThinking));
  const tools = button({
    label: "Tools",
    icon: "tools",
    className: "plm-button plm-composer-tools",
    onPress: onTools,
  });
  const toolCount = element("span", { "aria-hidden": "true" });
  tools.append(
    element("span", { class: "plm-composer-tools-word", "aria-hidden": "true" }, "Tools"),
    toolCount,
  );
  tools.setAttribute("aria-haspopup", "dialog");
  const hint = element("p", { class: "plm-composer-hint plm-muted", id: hintId });
  const context = mountContext();
  const send = actionButton("Send", "send", "submit");
  const stop = actionButton("Stop", "stop", "button");
  root.append(
    element(
      "div",
      { class: "plm-composer-box" },
      field,
      element("div", { class: "plm-composer-row" }, thinking.root, tools, context.root, send, stop),
    ),
    hint,
  );
  /** @type {ComposerView} */
  let view = {
    draft: "",
    busy: false,
    waiting: false,
    phase: "loading",
    enableThinking: true,
    modelThinks: true,
    model: "",
    tools: 0,
    answerForm: null,
    context: null,
  };

  root.addEventListener("submit", (event) => {
    event.preventDefault();
    if (!view.busy && view.phase !== "failed") onSend(field.value);
  });
  field.addEventListener("keydown", (event) => {
    // An input method's Enter picks a word and does not send.
    if (event.key !== "Enter" || event.shiftKey || event.isComposing) return;
    event.preventDefault();
    root.requestSubmit();
  });
  field.addEventListener("input", () => {
    fit(field);
    onDraft(field.value);
  });
  stop.addEventListener("click", () => {
    onStop();
    field.focus();
  });

  return {
    /** @param {ComposerView} next */
    update(next) {
      view = next;
      if (field.value !== view.draft) {
        field.value = view.draft;
        fit(field);
      }
      const reason = view.modelThinks ? "" : noThinkingSentence(view.model);
      thinking.update(view.enableThinking && view.modelThinks, reason);
      setText(toolCount, view.tools === 0 ? "" : String(view.tools));
      tools.setAttribute("aria-label", toolsLabel(view.tools));
      tools.title = toolsLabel(view.tools);
      // The pressed button vanishes: keep the focus with what takes its place.
      const focusLost =
        root.contains(document.activeElement) && document.activeElement === (view.busy ? send : stop);
      send.hidden = view.busy;
      stop.hidden = !view.busy;
      send.disabled = view.draft.trim() === "" || view.phase === "failed";
      if (focusLost) field.focus();
      context.update(view.context);
      setText(hint, hintSentence(view));
    },
    focus: () => field.focus(),
  };
}

/** How full the context is, as a bar and, to whoever asks, in words. */
function mountContext() {
  const bar = element("meter", { min: "0", class: "plm-composer-meter", "aria-label": "Context" });
  const words = element("span", { class: "plm-composer-context-words" });
  const root = element("span", { class: "plm-composer-context plm-muted" }, bar, words);
  root.hidden = true;
  return {
    root,
    /** @param {import("../protocol.js").Counted | null} counted */
    update(counted) {
      root.hidden = counted === null;
      if (counted === null) return;
      const { tokens, contextSize } = counted;
      bar.max = contextSize;
      bar.high = contextSize * 0.75;
      bar.value = Math.min(tokens, contextSize);
      const sentence = contextSentence(counted);
      bar.textContent = sentence;
      root.title = sentence;
      setText(words, `${Math.min(100, Math.ceil((tokens / contextSize) * 100))} %`);
    },
  };
}

/**
 * @param {string} label
 * @param {string} iconName
 * @param {"submit" | "button"} type
 */
function actionButton(label, iconName, type) {
  return element(
    "button",
    { type, class: "plm-composer-action", "aria-label": label, title: label },
    icon(iconName),
  );
}

/** @param {ComposerView} view */
function hintSentence({ busy, waiting, phase, modelThinks, model, answerForm }) {
  if (phase === "failed") return "The model is not loaded; what you wrote stays here.";
  if (waiting) return "Your question is sent when the model is ready.";
  if (busy) return "Escape stops the answer.";
  if (phase === "loading") return "The model is loading; you can write already.";
  if (answerForm !== null) return answerFormSentence(answerForm);
  const keys = "Enter sends, Shift + Enter starts a new line.";
  return modelThinks ? keys : `${keys} ${noThinkingSentence(model)}`;
}

/**
 * Grows the field with its text where the style sheet cannot (`field-sizing`).
 * @param {HTMLTextAreaElement} field
 */
function fit(field) {
  if (CSS.supports("field-sizing", "content")) return;
  field.style.setProperty("height", "auto");
  field.style.setProperty("height", `${field.scrollHeight}px`);
}
