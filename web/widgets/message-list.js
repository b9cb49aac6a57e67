// @ts-check
/**
 * The conversation: one message per turn, in a view that follows its end while the reader is there.
 *
 * A log that is not live: every token would be announced. The announcer says what is to be heard.
 *
 * @module
 */

import { button, element } from "../element.js";
import { stickToEnd } from "../stickiness.js";
import { mountMessage } from "./message.js";

/** @typedef {import("../turn.js").Turn} Turn */

/**
 * @param {HTMLElement} root
 * @param {object} options
 * @param {HTMLElement} options.before  scrolls with it
 * @param {HTMLElement} options.after  scrolls with it
 * @param {() => void} options.onRetry
 * @param {(id: number, upTo: "answer" | "question") => void} options.onBranch
 * @param {(content: string) => void} options.onCallAnswer
 */
export function mountMessageList(root, { before, after, onRetry, onBranch, onCallAnswer }) {
  const turns = element("div", { class: "plm-message-list-turns" });
  const content = element("div", { class: "plm-message-list-content" }, before, turns, after);
  const log = element("div", {
    class: "plm-message-list-log",
    role: "log",
    "aria-live": "off",
    "aria-label": "Conversation",
    tabindex: "0",
  });
  log.append(content);
  const toEnd = button({
    label: "To the end",
    icon: "down",
    className: "plm-message-list-end",
    onPress: () => end.jump(),
  });
  toEnd.hidden = true;
  root.append(log, toEnd);
  const end = stickToEnd(log, (sticky) => {
    toEnd.hidden = sticky;
  });
  const observer = new ResizeObserver(() => end.follow());
  observer.observe(log);
  observer.observe(content);

  /** @type {Map<number, {item: HTMLElement, message: ReturnType<typeof mountMessage>}>} */
  const shown = new Map();

  /** @param {Turn} turn */
  function mountTurn(turn) {
    const item = element("section", { class: "plm-message" });
    const actions = {
      onRetry,
      onBranch: (/** @type {"answer" | "question"} */ upTo) => onBranch(turn.id, upTo),
      onCallAnswer,
    };
    const entry = { item, message: mountMessage(item, actions) };
    turns.append(item);
    shown.set(turn.id, entry);
    // Whoever asks wants to see what comes.
    end.jump();
    return entry;
  }

  return {
    /** @param {{turns: readonly Turn[], firstShownId: number, canRetry: boolean, canBranch: boolean, now: number}} view */
    update(view) {
      for (const [id, { item }] of shown) {
        if (view.turns.some((turn) => turn.id === id)) continue;
        item.remove();
        shown.delete(id);
      }
      const firstShown = view.turns.find(({ id }) => id >= view.firstShownId);
      for (const turn of view.turns) {
        const isLast = turn === view.turns.at(-1);
        const entry = shown.get(turn.id) ?? mountTurn(turn);
        const isFirstShown = turn === firstShown && turn !== view.turns[0];
        const { canRetry, canBranch, now } = view;
        entry.message.update({ turn, isLast, isFirstShown, canRetry, canBranch, now });
      }
      end.follow();
    },
    dispose: () => observer.disconnect(),
  };
}
