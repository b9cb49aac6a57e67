// @ts-check
/**
 * The chats of this tab: the one that is shown, and the others to go on with or to delete.
 *
 * @module
 */

import { element, icon, setText } from "../element.js";
import { chatSentence } from "../sentences.js";
import { mountSidePanel } from "./side-panel.js";

/** @typedef {import("../chat-shelf.js").ShelvedChat} ShelvedChat */
/** @typedef {import("../chat-state.js").ChatState} ChatState */

/** How long a press on “Delete” waits for the second one. */
const SURE_MS = 4000;

/**
 * @param {HTMLDialogElement} root
 * @param {{onChoose: (id: number) => void, onDelete: (id: number) => void}} actions
 */
export function mountChatsPanel(root, { onChoose, onDelete }) {
  const current = element("li", { "aria-current": "true" });
  const currentTitle = element("p", { class: "plm-chats-panel-title", dir: "auto" });
  const currentDetail = element("p", { class: "plm-muted", dir: "auto" });
  current.append(
    element("div", { class: "plm-chats-panel-chat" }, currentTitle, currentDetail),
    element("span", { class: "plm-muted" }, "shown"),
  );
  const busy = element(
    "p",
    { class: "plm-muted" },
    "An answer is being made: stop it to go to another chat.",
  );
  const list = element("ul", { class: "plm-chats-panel-list" }, current);
  mountSidePanel(
    root,
    "Chats",
    element("p", { class: "plm-muted" }, "They stay in this tab until it is closed."),
    busy,
    list,
  );
  /** @type {readonly ShelvedChat[]} */
  let shown = [];
  let items = /** @type {HTMLButtonElement[]} */ ([]);

  /** @param {ShelvedChat} chat */
  function mountChat(chat) {
    const choose = element(
      "button",
      { type: "button", class: "plm-chats-panel-chat" },
      element("span", { class: "plm-chats-panel-title", dir: "auto" }, chat.turns[0].question),
      element("span", { class: "plm-muted", dir: "auto" }, chatSentence(chat)),
    );
    choose.addEventListener("click", () => {
      root.close();
      onChoose(chat.id);
    });
    items.push(choose);
    return element(
      "li",
      {},
      choose,
      mountDelete(chat.turns[0].question, () => onDelete(chat.id)),
    );
  }

  return {
    /** @param {Pick<ChatState, "turns" | "isBranch" | "others"> & {isBusy: boolean}} view */
    update({ turns, isBranch, others, isBusy }) {
      setText(currentTitle, turns[0]?.question ?? "A new chat");
      setText(currentDetail, turns.length === 0 ? "No questions yet" : chatSentence({ turns, isBranch }));
      busy.hidden = !isBusy;
      if (others !== shown) {
        shown = others;
        items = [];
        list.replaceChildren(current, ...others.map(mountChat));
      }
      for (const item of items) item.disabled = isBusy;
    },
    open: () => root.showModal(),
  };
}

/**
 * Deletes at the second press, since it cannot be taken back.
 * @param {string} title
 * @param {() => void} onDelete
 */
function mountDelete(title, onDelete) {
  const words = element("span");
  const made = element("button", { type: "button", class: "plm-button" }, icon("delete"), words);
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  let timer;
  /** @param {boolean} asked */
  function ask(asked) {
    setText(words, asked ? "Delete" : "");
    made.setAttribute("aria-label", asked ? `Really delete “${title}”` : `Delete “${title}”`);
    made.title = asked ? "Press again to delete" : "Delete";
  }
  made.addEventListener("click", () => {
    clearTimeout(timer);
    if (words.textContent !== "") return onDelete();
    ask(true);
    timer = setTimeout(() => ask(false), SURE_MS);
  });
  ask(false);
  return made;
}
