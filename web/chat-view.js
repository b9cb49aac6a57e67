// @ts-check
/**
 * All widgets of one chat and where they stand; draws a whole state, asks for changes by events.
 *
 * Knows nothing of the client.
 *
 * @module
 */

import { offeredTools } from "./chat-request.js";
import { element } from "./element.js";
import { isBusy, openTurn } from "./open-turn.js";
import { mountChatsPanel } from "./widgets/chats-panel.js";
import { mountComposer } from "./widgets/composer.js";
import { mountHeader } from "./widgets/header.js";
import { mountLoadProgress } from "./widgets/load-progress.js";
import { mountMessageList } from "./widgets/message-list.js";
import { mountNotice } from "./widgets/notice.js";
import { mountSettingsPanel } from "./widgets/settings-panel.js";
import { mountStoredModelsPanel } from "./widgets/stored-models-panel.js";
import { mountToolsPanel } from "./widgets/tools-panel.js";
import { mountWelcome } from "./widgets/welcome.js";

/** @typedef {import("./chat-state.js").ChatEvent} ChatEvent */
/** @typedef {import("./chat-state.js").ChatState} ChatState */
/** @typedef {import("./page-options.js").SiteModel} SiteModel */

/**
 * @typedef {object} ChatActions
 * @property {(event: ChatEvent) => void} dispatch
 * @property {() => void} stop
 * @property {() => void} tryAgain
 * @property {() => void} cancelLoad
 * @property {() => void} save  the chat, as a file
 * @property {(file: File) => void} open  a chat that was saved
 * @property {(content: string) => void} answerCall  that asks the person
 * @property {ReturnType<typeof import("./backend-preference.js").createBackendPreference>} backend
 * @property {ReturnType<typeof import("./backend-preference.js").createMemoryPreference>} memory
 * @property {ReturnType<typeof import("./theme.js").createTheme>} theme
 * @property {() => void} redraw
 * @property {import("./widgets/stored-models-panel.js").ModelStore} modelStore
 * @property {string} bundleFolder  address of this chat's bundle
 */

/**
 * @param {HTMLElement} root
 * @param {SiteModel} model
 * @param {ChatActions} actions
 */
export function mountChatView(
  root,
  model,
  {
    dispatch,
    stop,
    tryAgain,
    cancelLoad,
    save,
    open,
    answerCall,
    backend,
    memory,
    theme,
    redraw,
    modelStore,
    bundleFolder,
  },
) {
  const headerRoot = element("header", { class: "plm-header" });
  const welcomeRoot = element("section", { class: "plm-welcome" });
  const progressRoot = element("section", { class: "plm-load-progress" });
  const listRoot = element("div", { class: "plm-message-list" });
  const noticeRoot = element("div", { class: "plm-notice" });
  const composerRoot = element("form", { class: "plm-composer", "aria-label": "Question" });
  const settingsRoot = element("dialog", { class: "plm-side-panel plm-settings-panel" });
  const toolsRoot = element("dialog", { class: "plm-side-panel plm-tools-panel" });
  const chatsRoot = element("dialog", { class: "plm-side-panel plm-chats-panel" });
  const storedRoot = element("dialog", { class: "plm-side-panel plm-stored-models" });
  const announcer = element("div", { class: "plm-visually-hidden", role: "status" });

  const header = mountHeader(headerRoot, {
    onNewChat: () => {
      dispatch({ kind: "new-chat", at: Date.now() });
      composer.focus();
    },
    onChats: () => chats.open(),
    onSettings: () => settings.open(settingsView),
    onTheme: () => {
      theme.toggle();
      redraw();
    },
  });
  const welcome = mountWelcome(welcomeRoot, {
    model,
    onExample: (question) => {
      dispatch({ kind: "question", text: question });
      composer.focus();
    },
  });
  const progress = mountLoadProgress(progressRoot, { onCancel: cancelLoad });
  const list = mountMessageList(listRoot, {
    before: welcomeRoot,
    after: progressRoot,
    onRetry: () => {
      dispatch({ kind: "retry" });
      composer.focus();
    },
    onBranch: (id, upTo) => {
      dispatch({ kind: "branch", id, upTo });
      composer.focus();
    },
    onCallAnswer: (content) => {
      answerCall(content);
      composer.focus();
    },
  });
  const notice = mountNotice(noticeRoot, {
    onTryAgain: tryAgain,
    onDismiss: () => {
      dispatch({ kind: "notice-dismissed" });
      composer.focus();
    },
  });
  const composer = mountComposer(composerRoot, {
    onSend: (text) => dispatch({ kind: "question", text }),
    onStop: stop,
    onDraft: (text) => dispatch({ kind: "draft", text }),
    onThinking: (enabled) => dispatch({ kind: "thinking", enabled }),
    onTools: () => tools.open(),
  });
  const settings = mountSettingsPanel(settingsRoot, {
    onSampling: (sampling) => dispatch({ kind: "sampling", sampling }),
    onBackend: (preference) => backend.choose(preference),
    onMemory: (budget) => memory.choose(budget),
    onSystem: (text) => dispatch({ kind: "system", text }),
    onFormat: (format) => dispatch({ kind: "format", format }),
    onSave: save,
    onOpen: (file) => {
      settingsRoot.close();
      open(file);
    },
    onStoredModels: () => void stored.open(),
  });
  const stored = mountStoredModelsPanel(storedRoot, {
    store: modelStore,
    currentUrl: bundleFolder,
    isLoaded: () => settingsView.phase === "ready",
  });
  const tools = mountToolsPanel(toolsRoot, {
    onTools: (choice) => dispatch({ kind: "tools", tools: choice }),
  });
  const chats = mountChatsPanel(chatsRoot, {
    onChoose: (id) => {
      dispatch({ kind: "chat-chosen", id });
      composer.focus();
    },
    onDelete: (id) => dispatch({ kind: "chat-deleted", id }),
  });
  /** @type {import("./widgets/settings-panel.js").SettingsView} */
  let settingsView;
  root.replaceChildren(
    headerRoot,
    listRoot,
    element("div", { class: "plm-dock" }, noticeRoot, composerRoot),
    settingsRoot,
    toolsRoot,
    chatsRoot,
    storedRoot,
    announcer,
  );

  /** @param {KeyboardEvent} event */
  function onKey(event) {
    if (event.key !== "Escape" || event.defaultPrevented || root.querySelector("dialog[open]")) return;
    stop();
    composer.focus();
  }
  root.addEventListener("keydown", onKey);

  return {
    /** @param {ChatState} state */
    update(state) {
      const { ready, phase, turns, enableThinking, sampling } = state;
      const busy = isBusy(state);
      header.update({
        model: model.name,
        backend: ready?.backend ?? null,
        theme: theme.current(),
        hasChats: state.others.length > 0,
      });
      welcome.update({ visible: turns.length === 0, contextSize: ready?.model.contextSize ?? null });
      progress.update({ visible: phase === "loading", progress: state.progress });
      list.update({
        turns,
        firstShownId: state.firstShownId,
        canRetry: !busy && phase !== "failed",
        canBranch: !busy,
        now: Date.now(),
      });
      notice.update({
        error: state.notice?.error ?? null,
        tone: state.notice?.tone ?? "note",
        canTryAgain: state.notice?.remedy != null,
        canDismiss: state.notice?.remedy !== "load",
      });
      const modelThinks = ready?.model.thinking ?? true;
      composer.update({
        draft: state.draft,
        busy,
        waiting: openTurn(state)?.status === "queued",
        phase,
        enableThinking,
        modelThinks,
        model: model.name,
        tools: offeredTools(state).length,
        answerForm: state.format.kind === "none" ? null : state.format.kind,
        context: state.context,
      });
      tools.update({ tools: state.tools, builtIn: ready?.tools, model: model.name });
      chats.update({ ...state, isBusy: busy });
      settingsView = {
        ready,
        phase,
        sampling,
        enableThinking,
        backend: backend.current(),
        memory: memory.current(),
        system: state.system,
        format: state.format,
        formatProblem: state.formatProblem,
        canSave: turns.some(({ answer }) => answer !== ""),
        canOpen: !busy,
      };
      settings.update(settingsView);
    },
    /** @param {string} sentence */
    announce: (sentence) => announcer.replaceChildren(sentence),
    focus: () => composer.focus(),
    dispose: () => {
      root.removeEventListener("keydown", onKey);
      list.dispose();
    },
  };
}
