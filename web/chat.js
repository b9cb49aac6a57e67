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
import { COUNTED_EVENTS, chatEvent, FATAL_ERRORS, UNSAVED_EVENTS } from "./chat-events.js";
import { readChatFile, writeChatFile } from "./chat-file.js";
import { messagesFor, nextPrompt, offeredTools, samplingFor, willThink } from "./chat-request.js";
import { reduceChat } from "./chat-state.js";
import { restoreChat, storeChat } from "./chat-storage.js";
import { mountChatView } from "./chat-view.js";
import { createContextMeter } from "./context-meter.js";
import { download } from "./download.js";
import { describe, GrammarError } from "./errors.js";
import { createFormatCheck } from "./format-check.js";
import { nextTurn, openTurn } from "./open-turn.js";
import { createRenderLoop } from "./render-loop.js";
import { readFormat } from "./response-format.js";
import { thinkingAskedSentence } from "./sentences.js";
import { availableStorage, STORAGE_FULL, store } from "./storage.js";
import { createTheme } from "./theme.js";
import { restoreTools, storeTools } from "./tool-choice.js";
import { ToolLoop } from "./tool-loop.js";

/** @typedef {import("./chat-state.js").ChatEvent} ChatEvent */
/** @typedef {import("./turn.js").Turn} Turn */
/** @typedef {import("./page-options.js").SiteModel} SiteModel */
/** @typedef {import("./protocol.js").ErrorDescription} ErrorDescription */
/** @typedef {import("./protocol.js").LoadOptions} LoadOptions */
/** @typedef {import("./protocol.js").Progress} Progress */
/** @typedef {import("./protocol.js").Ready} Ready */

/**
 * What a chat needs of a client; `PagelmClient` is one.
 * @typedef {object} LoadedClient
 * @property {(options: LoadOptions, onProgress: (progress: Progress) => void) => Promise<Ready>} load  once per client
 * @property {(options: import("./protocol.js").CountOptions) => Promise<import("./protocol.js").Counted>} countTokens
 * @property {(format: import("./protocol.js").ResponseFormat) => Promise<true>} checkFormat
 * @property {() => void} cancelLoad  ends it with a LoadCancelledError
 * @property {() => void} close
 */
/** @typedef {LoadedClient & import("./tool-loop.js").ToolClient} ChatClient */

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
  /** @type {ChatClient | null} */
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
  let isKept = true;
  function save() {
    const wasKept = isKept;
    isKept = store(session, storageKey, storeChat(state));
    if (wasKept && !isKept) dispatch({ kind: "notice", notice: { error: STORAGE_FULL, remedy: null } });
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

  /** Whether answers can have the form that is asked for, said beside the field and not only after sending. */
  const formatCheck = createFormatCheck(
    () => ({ client: state.phase === "ready" ? client : null, choice: state.format }),
    (problem) => dispatch({ kind: "format-checked", problem }),
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
      if (ready.store.reason !== null) notify(ready.store.reason);
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
    const { id } = turn;
    try {
      const loop = new ToolLoop(model, requestFor(turn));
      running = loop;
      dispatch({ kind: "turn-started", id });
      for await (const event of loop) dispatch(chatEvent(event, id));
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
   * @param {Turn} turn
   * @returns {import("./protocol.js").GenerateOptions}
   * @throws {GrammarError} the form of answers cannot be read
   */
  function requestFor(turn) {
    const { format, problem } = readFormat(state.format);
    if (problem !== undefined) {
      const remedy = "Change the form of answers in the settings, or choose “Any”.";
      throw new GrammarError(problem, { expected: "a form that answers can have", remedy });
    }
    return {
      messages: messagesFor(state, turn),
      enableThinking: willThink(state, turn.enableThinking),
      sampling: samplingFor(state),
      tools: offeredTools(state),
      ...(format === null ? {} : { responseFormat: format }),
      overflow: "truncate-oldest-turns",
    };
  }

  /**
   * @param {number} id
   * @param {ErrorDescription} error
   */
  function fail(id, error) {
    dispatch({ kind: "turn-failed", id, error, at: Date.now() });
    if (FATAL_ERRORS.has(error.name)) dispatch({ kind: "load-failed", error });
  }

  /** @param {string} message  about the address that was opened, or about how the model was loaded */
  function notify(message) {
    const said = state.notice?.error.name === "Note" ? `${state.notice.error.message} ` : "";
    const error = { name: "Note", message: said + message };
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
