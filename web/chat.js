// @ts-check
/**
 * One chat in one element: wires the client to the state and the state to its view.
 *
 * Works for any client of `steady-client.js`'s shape (the page's own, or one in a documentation site); looks up nothing outside the
 * root it is given, so several can live on one page.
 *
 * @module
 */

import { announcementFor } from "./announcements.js";
import { createBackendPreference, createMemoryPreference } from "./backend-preference.js";
import { bundleFolder } from "./bundle-manifest.js";
import { COUNTED_EVENTS, chatEvent, UNSAVED_EVENTS } from "./chat-events.js";
import { readChatFile, writeChatFile } from "./chat-file.js";
import { nextPrompt, preface, requestFor } from "./chat-request.js";
import { reduceChat } from "./chat-state.js";
import { restoreChat, storeChat } from "./chat-storage.js";
import { mountChatView } from "./chat-view.js";
import { createContextMeter } from "./context-meter.js";
import { download } from "./download.js";
import { describe } from "./errors.js";
import { createFormatCheck } from "./format-check.js";
import * as modelStore from "./model-store.js";
import { nextTurn, openTurn } from "./open-turn.js";
import { createPreface } from "./preface.js";
import { recoveryNotice } from "./recovery.js";
import { createRenderLoop } from "./render-loop.js";
import { newsOfLoad } from "./running-facts.js";
import { thinkingAskedSentence } from "./sentences.js";
import { SteadyClient } from "./steady-client.js";
import { availableStorage, STORAGE_FULL, store } from "./storage.js";
import { createTheme } from "./theme.js";
import { restoreTools, storeTools } from "./tool-choice.js";
import { ToolLoop } from "./tool-loop.js";

/** @typedef {import("./chat-state.js").ChatEvent} ChatEvent */
/** @typedef {import("./turn.js").Turn} Turn */
/** @typedef {import("./page-options.js").SiteModel} SiteModel */
/** @typedef {import("./protocol.js").LoadOptions} LoadOptions */
/** @typedef {import("./protocol.js").Ready} Ready */

/**
 * @typedef {object} ChatOptions
 * @property {() => import("./steady-client.js").ModelClient} startClient  called for every worker: one for each load, and one after each loss
 * @property {LoadOptions} load  its backend counts until another one is chosen in the settings
 * @property {SiteModel} model
 * @property {boolean | null} [enableThinking]  null: as it was, at first on
 * @property {string[]} [problems]  sentences to show at once
 * @property {boolean} [autofocus]  puts the focus into the composer at once: right for a page of its own
 * @property {string} [storageKey]  chats of several elements on one page need one each
 */

/**
 * @param {HTMLElement} root
 * @param {ChatOptions} options
 * @returns {{dispose: () => void}}
 */
export function mountChat(root, options) {
  const storageKey = options.storageKey ?? `pagelm.chat.${options.model.name}`;
  const session = availableStorage("sessionStorage");
  const local = availableStorage("localStorage");
  const toolsKey = `${storageKey}.tools`;
  let state = restoreChat(session?.getItem(storageKey) ?? null);
  state = { ...state, tools: restoreTools(local?.getItem(toolsKey) ?? null) };
  /** @type {SteadyClient | null} */
  let client = null;
  /** @type {ToolLoop | null} */
  let running = null;
  let disposed = false;

  root.classList.add("plm");
  // A press beside the controls keeps the keyboard in the chat, so that Escape still stops.
  root.tabIndex = -1;
  const backend = createBackendPreference(options.load.backend, session, `${storageKey}.backend`);
  const memory = createMemoryPreference(options.load.memoryBudget ?? null, session, `${storageKey}.memory`);
  const theme = createTheme(root, local);
  const view = mountChatView(root, options.model, {
    dispatch,
    stop,
    tryAgain,
    cancelLoad: () => client?.cancelLoad(),
    save: () => download(`${options.model.name}-chat.json`, writeChatFile(state, options.model.name)),
    open: openFile,
    answerCall: (content) => running?.answerCall(content),
    backend: {
      current: backend.current,
      choose(preference) {
        backend.choose(preference);
        load();
      },
    },
    memory: {
      current: memory.current,
      choose(budget) {
        memory.choose(budget);
        load();
      },
    },
    theme,
    redraw: () => loop.request(),
    modelStore,
    bundleFolder: new URL(bundleFolder(options.load.bundleUrl), document.baseURI).href,
  });
  const loop = createRenderLoop(() => view.update(state));
  // The label of a thought counts seconds even when no token comes.
  const clock = setInterval(() => {
    if (openTurn(state)?.status === "thinking") loop.request();
  }, 1000);
  let isKept = true;
  function save() {
    const wasKept = isKept;
    isKept = store(session, storageKey, storeChat(state));
    if (wasKept && !isKept)
      dispatch({ kind: "notice", notice: { tone: "error", error: STORAGE_FULL, remedy: null } });
  }
  addEventListener("pagehide", save);
  document.addEventListener("visibilitychange", save);

  /** @param {ChatEvent} event */
  function dispatch(event) {
    if (disposed) return;
    const spoken = announcementFor(event, state);
    state = reduceChat(state, event);
    if (spoken !== "") view.announce(spoken);
    if (event.kind === "new-chat") running?.cancel();
    if (!UNSAVED_EVENTS.has(event.kind)) save();
    loop.request();
    if (COUNTED_EVENTS.has(event.kind)) meter.request();
    readAhead.request();
    if (event.kind === "tools") store(local, toolsKey, storeTools(event.tools));
    if (event.kind === "format" || event.kind === "ready") formatCheck.request();
    const turn = nextTurn(state);
    if (turn && !running && client) void answer(client, turn);
  }

  /** What the next question would take of the context, whenever that may have changed. */
  const meter = createContextMeter(
    () => (state.phase === "ready" && client ? { client, request: nextPrompt(state) } : null),
    (counted) => dispatch({ kind: "counted", counted }),
  );

  /** What the first question will begin with is read while a person still writes it. */
  const readAhead = createPreface(() => {
    const request = state.phase === "ready" && openTurn(state) === null ? preface(state) : null;
    return request && client ? { client, request } : null;
  });

  /** Whether answers can have the form that is asked for, said beside the field and not only after sending. */
  const formatCheck = createFormatCheck(
    () => ({ client: state.phase === "ready" ? client : null, choice: state.format }),
    (problem) => dispatch({ kind: "format-checked", problem }),
  );

  function load() {
    client?.close();
    running = null;
    dispatch({ kind: "load-started", at: Date.now() });
    const load = {
      ...options.load,
      backend: backend.current(),
      memoryBudget: memory.current() ?? undefined,
    };
    client = new SteadyClient(options.startClient, load, {
      progress: (progress) => dispatch({ kind: "progress", progress }),
      ready: onReady,
      lost(error, step) {
        const then = {
          backend: state.ready?.backend.name ?? null,
          isAnswering: ![undefined, "queued"].includes(openTurn(state)?.status),
        };
        const told = recoveryNotice(describe(error), step, then);
        dispatch({ kind: "lost", notice: { tone: "note", error: told, remedy: null } });
      },
      failed(error) {
        dispatch({ kind: "load-failed", error: describe(error), at: Date.now() });
        // An answer that has begun waits to go on; a question without one went back to the composer.
        if (openTurn(state) === null) running?.cancel();
      },
    });
  }

  /**
   * @param {Ready} ready
   * @param {Ready | null} before
   */
  function onReady(ready, before) {
    dispatch({ kind: "ready", ready });
    const news = newsOfLoad(ready, before, backend.current() === "auto");
    const cannotThink = before === null && options.enableThinking && !ready.model.thinking;
    if (cannotThink) news.push(thinkingAskedSentence(ready.model.name));
    if (news.length > 0) notify(news.join(" "));
  }

  /**
   * @param {SteadyClient} model
   * @param {Turn} turn
   */
  async function answer(model, turn) {
    const { id } = turn;
    try {
      const loop = new ToolLoop(model, requestFor(state, turn));
      running = loop;
      dispatch({ kind: "turn-started", id });
      for await (const event of loop) dispatch(chatEvent(event, id));
      if (client !== model) return;
      running = null;
    } catch (error) {
      if (client !== model) return; // closed for another load, which has seen to this turn
      running = null;
      dispatch({ kind: "turn-failed", id, error: describe(error), at: Date.now() });
    }
    // A question asked in a new chat waited for this one to end.
    const next = nextTurn(state);
    if (next && client && !disposed) void answer(client, next);
  }

  /** @param {string} message  about the address that was opened, or about how the model was loaded */
  function notify(message) {
    const shown = state.notice?.remedy === null ? state.notice : null;
    const error = shown
      ? { ...shown.error, message: `${shown.error.message} ${message}` }
      : { name: "Note", message };
    dispatch({ kind: "notice", notice: { tone: shown?.tone ?? "note", error, remedy: null } });
  }

  function stop() {
    if (openTurn(state)?.status === "queued") dispatch({ kind: "queue-stopped" });
    else running?.cancel();
  }

  /** @param {File} file */
  async function openFile(file) {
    try {
      dispatch({ kind: "opened", chat: readChatFile(await file.text(), options.model.name) });
    } catch (error) {
      dispatch({ kind: "notice", notice: { tone: "error", error: describe(error), remedy: null } });
    }
  }

  function tryAgain() {
    const remedy = state.notice?.remedy;
    if (remedy === "load") {
      dispatch({ kind: "load-resumed" });
      client?.loadAgain();
    } else if (remedy === "send") dispatch({ kind: "question", text: state.draft });
  }

  if (options.enableThinking != null) dispatch({ kind: "thinking", enabled: options.enableThinking });
  load();
  if (options.problems?.length) {
    notify(options.problems.join(" "));
  }
  if (options.autofocus) view.focus();

  return {
    dispose() {
      save();
      disposed = true;
      clearInterval(clock);
      meter.stop();
      readAhead.stop();
      formatCheck.stop();
      removeEventListener("pagehide", save);
      document.removeEventListener("visibilitychange", save);
      loop.stop();
      client?.close();
      view.dispose();
      root.replaceChildren();
    },
  };
}
