// @ts-check
/**
 * One model that this browser keeps: what is known of it, and the ways to check and to delete it.
 *
 * @module
 */

import { button, element, setText, uniqueId } from "../element.js";
import { checkSentence, deleteQuestion, modelSentence } from "../stored-model-sentences.js";

/** @typedef {import("../model-store.js").KeptModel} KeptModel */
/** @typedef {import("../stored-model-sentences.js").Use} Use */
/**
 * @typedef {object} StoredModelActions
 * @property {(onProgress: (checkedBytes: number, totalBytes: number) => void, signal: AbortSignal) =>
 *   Promise<import("../model-store.js").Check>} verify
 * @property {() => Promise<void>} remove  after which the item may be gone
 */

const OUTLINED = "plm-button plm-button-small plm-button-outlined";

/**
 * @param {string} name  of the model
 * @param {StoredModelActions} actions
 */
export function mountStoredModel(name, actions) {
  const headingId = uniqueId("model");
  const detail = element("p", { class: "plm-muted" });
  const address = element("p", { class: "plm-muted plm-stored-models-address" });
  const status = element("p", { class: "plm-stored-models-status", role: "status" });
  const check = mountCheck(name, actions, (sentence) => setText(status, sentence));
  const question = mountQuestion(name, async () => {
    try {
      await actions.remove();
    } catch (error) {
      setText(status, error instanceof Error ? error.message : String(error));
    }
  });
  const item = element(
    "li",
    { "aria-labelledby": headingId },
    element("h3", { id: headingId }, name),
    detail,
    address,
    element("div", { class: "plm-stored-models-actions" }, check.start, check.stop, question.ask),
    check.bar,
    question.root,
    status,
  );

  return {
    item,
    /**
     * @param {KeptModel} model
     * @param {Use} use
     */
    update(model, use) {
      setText(detail, modelSentence(model, use, Date.now()));
      setText(address, model.url);
      setText(question.text, deleteQuestion(model, use));
    },
    focus: () => check.start.focus(),
    stop: check.abort,
  };
}

/**
 * @param {string} name
 * @param {StoredModelActions} actions
 * @param {(sentence: string) => void} say
 */
function mountCheck(name, { verify }, say) {
  let stopping = new AbortController();
  const bar = element("progress", { max: "1", value: "0", "aria-label": `Checking ${name}` });
  const start = button({ label: "Verify", text: true, className: OUTLINED, onPress: run });
  start.setAttribute("aria-label", `Verify ${name}`);
  const stop = button({
    label: "Stop",
    text: true,
    className: OUTLINED,
    onPress: () => stopping.abort(),
  });
  stop.setAttribute("aria-label", `Stop checking ${name}`);

  /** @param {boolean} running */
  function show(running) {
    bar.hidden = !running;
    start.hidden = running;
    stop.hidden = !running;
  }
  show(false);

  async function run() {
    stopping = new AbortController();
    show(true);
    stop.focus();
    say("Checking…");
    try {
      const progress = (/** @type {number} */ done, /** @type {number} */ total) => {
        bar.value = total === 0 ? 0 : done / total;
      };
      say(checkSentence(await verify(progress, stopping.signal)));
    } catch (error) {
      if (stopping.signal.aborted) say("Checking was stopped.");
      else say(error instanceof Error ? error.message : String(error));
    }
    const hadFocus = document.activeElement === stop;
    show(false);
    if (hadFocus) start.focus();
  }

  return { start, stop, bar, abort: () => stopping.abort() };
}

/**
 * A deletion, which cannot be taken back, with what it means before it happens.
 *
 * @param {string} name
 * @param {() => Promise<void>} onDelete
 */
function mountQuestion(name, onDelete) {
  const text = element("p");
  const ask = button({ label: "Delete", text: true, className: OUTLINED, onPress: () => show(true) });
  ask.setAttribute("aria-label", `Delete ${name}`);
  const confirm = button({ label: "Delete it", text: true, className: OUTLINED, onPress: act });
  const keep = button({ label: "Keep it", text: true, className: OUTLINED, onPress: () => show(false) });
  const root = element(
    "div",
    { class: "plm-stored-models-question", role: "group", "aria-label": `Delete ${name}` },
    text,
    element("div", { class: "plm-stored-models-actions" }, confirm, keep),
  );
  root.hidden = true;
  text.id = uniqueId("question");
  confirm.setAttribute("aria-describedby", text.id);

  /** @param {boolean} asked */
  function show(asked) {
    root.hidden = !asked;
    ask.hidden = asked;
    if (asked) confirm.focus();
    else ask.focus();
  }

  async function act() {
    confirm.disabled = true;
    await onDelete();
    confirm.disabled = false;
    show(false);
  }

  return { root, ask, text };
}
