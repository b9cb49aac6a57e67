// @ts-check
/**
 * The models that this browser keeps, in a dialog: how much room they take, each to be checked or deleted, and leftovers.
 *
 * @module
 */

import { button, element, setText } from "../element.js";
import { deletedSentence, leftoverSentence, roomSentence } from "../stored-model-sentences.js";
import { mountSidePanel } from "./side-panel.js";
import { mountStoredModel } from "./stored-model.js";

/** @typedef {import("../model-store.js").KeptModel} KeptModel */
/**
 * @typedef {object} ModelStore  model-store.js, or what has its functions
 * @property {typeof import("../model-store.js").listStoredModels} listStoredModels
 * @property {typeof import("../model-store.js").verifyStoredModel} verifyStoredModel
 * @property {typeof import("../model-store.js").deleteStoredModel} deleteStoredModel
 * @property {typeof import("../model-store.js").deleteLeftovers} deleteLeftovers
 */

/**
 * @param {HTMLDialogElement} root
 * @param {{store: ModelStore, currentUrl: string, isLoaded: () => boolean}} options  currentUrl: folder of this chat's
 *   bundle; isLoaded: whether this chat uses it now
 */
export function mountStoredModelsPanel(root, { store, currentUrl, isLoaded }) {
  const room = element("p", { class: "plm-muted" });
  // What concerns no single model, or one that is gone.
  const status = element("p", { class: "plm-stored-models-status", role: "status" });
  const list = element("ul", { class: "plm-stored-models-list" });
  const leftovers = mountLeftovers(async () => {
    await tell(async () => deletedSentence("What was left over", await store.deleteLeftovers()));
    list.querySelector("button")?.focus();
  });
  mountSidePanel(
    root,
    "Stored models",
    element(
      "p",
      { class: "plm-muted" },
      "What this browser keeps, so that the next visit needs no download.",
    ),
    room,
    status,
    list,
    leftovers.root,
  );
  /** @type {Map<string, ReturnType<typeof mountStoredModel>>} by address */
  const items = new Map();
  root.addEventListener("close", () => {
    for (const item of items.values()) item.stop();
  });

  /** @param {() => Promise<string>} work  gives a sentence on what it did */
  async function tell(work) {
    try {
      setText(status, await work());
    } catch (error) {
      setText(status, error instanceof Error ? error.message : String(error));
    }
    await refresh();
  }

  /** @param {KeptModel} model */
  function mount({ url, name }) {
    const item = mountStoredModel(name, {
      async verify(onProgress, signal) {
        const check = await store.verifyStoredModel(url, { onProgress, signal });
        await refresh();
        return check;
      },
      async remove() {
        const freed = await store.deleteStoredModel(url);
        await tell(async () => deletedSentence(name, freed));
        (list.querySelector("button") ?? root.querySelector("button"))?.focus();
      },
    });
    items.set(url, item);
    return item;
  }

  async function refresh() {
    try {
      show(await store.listStoredModels());
    } catch (error) {
      setText(status, error instanceof Error ? error.message : String(error));
    }
  }

  /** @param {import("../model-store.js").KeptModels} kept */
  function show(kept) {
    setText(
      room,
      kept.models.length === 0 ? `No models are kept. ${roomSentence(kept)}` : roomSentence(kept),
    );
    for (const url of items.keys()) {
      if (!kept.models.some((model) => model.url === url)) items.delete(url);
    }
    const shown = kept.models.map((model) => {
      const item = items.get(model.url) ?? mount(model);
      const isCurrent = model.url === currentUrl;
      item.update(model, { isCurrent, others: model.users - (isCurrent && isLoaded() ? 1 : 0) });
      return item.item;
    });
    // Moving an item would take the focus out of it.
    if (shown.length !== list.children.length || shown.some((item, index) => list.children[index] !== item)) {
      list.replaceChildren(...shown);
    }
    leftovers.update(kept.leftoverBytes);
  }

  return {
    async open() {
      setText(status, "");
      root.showModal();
      await refresh();
    },
  };
}

/** @param {() => Promise<void>} onDelete */
function mountLeftovers(onDelete) {
  const sentence = element("p", { class: "plm-muted" });
  const remove = button({
    label: "Delete leftovers",
    text: true,
    className: "plm-button plm-button-small plm-button-outlined",
    onPress: () => void onDelete(),
  });
  const root = element("div", { class: "plm-stored-models-leftovers" }, sentence, remove);
  root.hidden = true;
  return {
    root,
    /** @param {number} bytes */
    update(bytes) {
      root.hidden = bytes === 0;
      setText(sentence, leftoverSentence(bytes));
    },
  };
}
