// @ts-check
/**
 * One chat in one element: wires the client to the state and the state to its view.
 *
 * Works for any client of the shape below (the page's own, or one in a documentation site); looks up nothing outside the
 * root it is given, so several can live on one page.
 *
 * @module
 */

import { announcementFor } from "./announcements.js";
import { createBackendPreference, createMemoryPreference } from "./backend-preference.js";
import { readChatFile, writeChatFile } from "./chat-file.js";
import { messagesFor, nextPrompt, samplingFor, willThink } from "./chat-request.js";
import { nextTurn, openTurn, reduceChat } from "./chat-state.js";
import { restoreChat, storeChat } from "./chat-storage.js";
import { mountChatView } from "./chat-view.js";
import { createContextMeter } from "./context-meter.js";
import { element } from "./element.js";
import { createRenderLoop } from "./render-loop.js";
import { thinkingAskedSentence } from "./sentences.js";
import { createTheme } from "./theme.js";

/** @typedef {import("./chat-state.js").ChatEvent} ChatEvent */
/** @typedef {import("./chat-state.js").Turn} Turn */
/** @typedef {import("./page-options.js").SiteModel} SiteModel */
/** @typedef {import("./protocol.js").ErrorDescription} ErrorDescription */
/** @typedef {import("./protocol.js").GenerateOptions} GenerateOptions */
/** @typedef {import("./protocol.js").GenerationEvent} GenerationEvent */
/** @typedef {import("./protocol.js").LoadOptions} LoadOptions */
/** @typedef {import("./protocol.js").Progress} Progress */
/** @typedef {import("./protocol.js").Ready} Ready */

/** @typedef {AsyncIterable<GenerationEvent> & {cancel: () => void}} RunningGeneration */

/**
 * What a chat needs of a client; `PagelmClient` is one.
 * @typedef {object} ChatClient
 * @property {(options: LoadOptions, onProgress: (progress: Progress) => void) => Promise<Ready>} load  once per client
 * @property {(options: GenerateOptions) => RunningGeneration} generate
 * @property {(options: import("./protocol.js").CountOptions) => Promise<import("./protocol.js").Counted>} countTokens
 * @property {() => void} close
 */

/**
 * @typedef {object} ChatOptions
 * @property {() => ChatClient} startClient  called again when loading is tried again
 * @property {LoadOptions} load  its backend counts until another one is chosen in the settings
 * @property {SiteModel} model
 * @property {boolean | null} [enableThinking]  null: as it was, at first on
 * @property {string[]} [problems]  sentences to show at once
 * @property {boolean} [autofocus]  puts the focus into the composer at once: right for a page of its own
 * @property {string} [storageKey]  chats of several elements on one page need one each
 */

/** Errors after which the worker is of no more use and everything has to be loaded again. */
const FATAL_ERRORS = new Set(["WorkerError", "DeviceLostError"]);

/** Too frequent to store the chat at each; it is stored anyway when the page goes away. */
const UNSAVED_EVENTS = new Set(["reasoning", "text", "progress", "draft", "prefill", "counted"]);

/** After these the next prompt may have another length. */
const COUNTED_EVENTS = new Set([
  "ready",
  "draft",
  "done",
  "thinking",
  "system",
  "opened",
  "new-chat",
  "turnsDropped",
]);

/**
 * @param {HTMLElement} root
 * @param {ChatOptions} options
 * @returns {{dispose: () => void}}
 */
export function mountChat(root, options) {
  const storageKey = options.storageKey ?? `pagelm.chat.${options.model.name}`;
  const session = availableStorage("sessionStorage");
  let state = restoreChat(session?.getItem(storageKey) ?? null);
  /** @type {ChatClient | null} */
  let client = null;
  /** @type {RunningGeneration | null} */
  let running = null;
  let disposed = false;

  root.classList.add("plm");
  // A press beside the controls keeps the keyboard in the chat, so that Escape still stops.
  root.tabIndex = -1;
  const backend = createBackendPreference(options.load.backend, session, `${storageKey}.backend`);
  const memory = createMemoryPreference(options.load.memoryBudget ?? null, session, `${storageKey}.memory`);
  const theme = createTheme(root, availableStorage("localStorage"));
  const view = mountChatView(root, options.model, {
    dispatch,
    stop,
    tryAgain,
    save: () => download(`${options.model.name}-chat.json`, writeChatFile(state, options.model.name)),
    open: openFile,
    backend: {
      current: backend.current,
      choose(preference) {
        backend.choose(preference);
        void load();
      },
    },
    memory: {
      current: memory.current,
      choose(budget) {
        memory.choose(budget);
        void load();
      },
    },
    theme,
    redraw: () => loop.request(),
  });
  const loop = createRenderLoop(() => view.update(state));
  // The label of a thought counts seconds even when no token comes.
  const clock = setInterval(() => {
    if (openTurn(state)?.status === "thinking") loop.request();
  }, 1000);
  const save = () => store(session, storageKey, storeChat(state));
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
    const turn = nextTurn(state);
    if (turn && !running && client) void answer(client, turn);
  }

  /** What the next question would take of the context, whenever that may have changed. */
  const meter = createContextMeter(
    () => (state.phase === "ready" && client ? { client, request: nextPrompt(state) } : null),
    (counted) => dispatch({ kind: "counted", counted }),
  );

  async function load() {
    const previous = client;
    client = null;
    running = null;
    previous?.close();
    dispatch({ kind: "load-started", at: Date.now() });
    /** @type {ChatClient | null} */
    let started = null;
    try {
      started = options.startClient();
      client = started;
      const load = {
        ...options.load,
        backend: backend.current(),
        memoryBudget: memory.current() ?? undefined,
      };
      const ready = await started.load(load, (progress) => dispatch({ kind: "progress", progress }));
      if (client !== started) return;
      dispatch({ kind: "ready", ready });
      if (options.enableThinking && !ready.model.thinking) notify(thinkingAskedSentence(ready.model.name));
    } catch (error) {
      // A load that another one took the place of fails because its client was closed.
      if (client === started) dispatch({ kind: "load-failed", error: describe(error) });
    }
  }

  /**
   * @param {ChatClient} model
   * @param {Turn} turn
   */
  async function answer(model, turn) {
    const { id, enableThinking } = turn;
    const messages = messagesFor(state, turn);
    const generation = model.generate({
      messages,
      enableThinking: willThink(state, enableThinking),
      sampling: samplingFor(state),
      overflow: "truncate-oldest-turns",
    });
    running = generation;
    dispatch({ kind: "turn-started", id });
    try {
      for await (const event of generation) dispatch(chatEvent(event, id));
      if (client !== model) return;
      running = null;
    } catch (error) {
      if (client !== model) return; // closed for another load, which has seen to this turn
      running = null;
      fail(id, describe(error));
    }
    // A question asked in a new chat waited for this one to end.
    const next = nextTurn(state);
    if (next && client && !disposed) void answer(client, next);
  }

  /**
   * @param {number} id
   * @param {ErrorDescription} error
   */
  function fail(id, error) {
    dispatch({ kind: "turn-failed", id, error, at: Date.now() });
    if (FATAL_ERRORS.has(error.name)) dispatch({ kind: "load-failed", error });
  }

  /** @param {string} message  about the address that was opened */
  function notify(message) {
    const said = state.notice?.error.name === "Address" ? `${state.notice.error.message} ` : "";
    const error = { name: "Address", message: said + message };
    dispatch({ kind: "notice", notice: { error, remedy: null } });
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
      dispatch({ kind: "notice", notice: { error: describe(error), remedy: null } });
    }
  }

  function tryAgain() {
    const remedy = state.notice?.remedy;
    if (remedy === "load") void load();
    else if (remedy === "send") dispatch({ kind: "question", text: state.draft });
  }

  if (options.enableThinking != null) dispatch({ kind: "thinking", enabled: options.enableThinking });
  void load();
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
      removeEventListener("pagehide", save);
      document.removeEventListener("visibilitychange", save);
      loop.stop();
      client?.close();
      view.dispose();
      root.replaceChildren();
    },
  };
}

/**
 * @param {GenerationEvent} event
 * @param {number} id  of the turn
 * @returns {ChatEvent}
 */
function chatEvent(event, id) {
  const at = Date.now();
  if (event.kind === "done") {
    return { kind: "done", id, finishReason: event.finishReason, usage: event.usage, at };
  }
  if (event.kind === "reasoning" || event.kind === "text") {
    return { kind: event.kind, id, text: event.text, at };
  }
  if (event.kind === "toolCall" || event.kind === "logprobs") {
    throw new TypeError(`the page did not ask for ${event.kind}`);
  }
  return { ...event, id };
}

/**
 * @param {unknown} error
 * @returns {ErrorDescription}
 */
function describe(error) {
  if (!(error instanceof Error)) return { name: "Error", message: String(error) };
  const detail = "detail" in error && typeof error.detail === "string" ? error.detail : error.stack;
  return { name: error.name, message: error.message, detail };
}

/**
 * Hands a text to the browser as a file to keep.
 * @param {string} name
 * @param {string} text
 */
function download(name, text) {
  const url = URL.createObjectURL(new Blob([text], { type: "application/json" }));
  element("a", { href: url, download: name }).click();
  // The browser has taken its hold of the text by the next turn of the loop.
  setTimeout(() => URL.revokeObjectURL(url), 0);
}

/**
 * Storage can be switched off, and then even naming it throws.
 * @param {"localStorage" | "sessionStorage"} name
 */
function availableStorage(name) {
  try {
    return globalThis[name];
  } catch {
    return null;
  }
}

/**
 * @param {Storage | null} storage
 * @param {string} key
 * @param {string} value
 */
function store(storage, key, value) {
  try {
    storage?.setItem(key, value);
  } catch {
    // Full: the chat goes on, only a reload would not bring it back.
  }
}
