// @ts-check
/**
 * What a chat consists of and what can happen to it, as types: no logic lives here.
 *
 * @module
 */

/** @typedef {import("./protocol.js").ErrorDescription} ErrorDescription */
/** @typedef {import("./protocol.js").LoadStage} LoadStage */
/** @typedef {import("./protocol.js").Progress} Progress */
/** @typedef {import("./protocol.js").Ready} Ready */
/** @typedef {import("./protocol.js").Sampling} Sampling */
/** @typedef {import("./protocol.js").ToolSchema} ToolSchema */
/** @typedef {import("./turn.js").Round} Round */
/** @typedef {import("./turn.js").Turn} Turn */
/** @typedef {import("./turn.js").TurnEvent} TurnEvent */

/** note: worth knowing, nothing is to be done · error: something does not work @typedef {"note" | "error"} NoticeTone */

/**
 * @typedef {object} Notice
 * @property {NoticeTone} tone
 * @property {ErrorDescription} error
 * @property {"load" | "send" | null} remedy  what "Try again" would do; null: nothing to try
 */

/**
 * A chat from a file, see chat-file.js.
 * @typedef {object} SavedChat
 * @property {string} system
 * @property {SavedTurn[]} turns
 * @property {number} droppedTurns  of the oldest, which the model is no longer shown
 * @property {boolean} enableThinking
 */

/** @typedef {Pick<Turn, "question" | "rounds" | "reasoning" | "answer">} SavedTurn */

/**
 * @typedef {object} ToolChoice
 * @property {readonly string[]} enabled  names of those that the model may call
 * @property {readonly ToolSchema[]} own  described by the person, who also answers their calls
 */

/**
 * @typedef {object} ChatState
 * @property {"loading" | "ready" | "failed"} phase
 * @property {Partial<Record<LoadStage, Progress>>} progress
 * @property {Ready | null} ready
 * @property {number} chatId  of the chat that is shown; what follows up to `system` is of this one alone
 * @property {boolean} isBranch
 * @property {Turn[]} turns
 * @property {number} firstShownId  the model no longer sees turns before this one: the context had no room
 * @property {import("./protocol.js").Counted | null} context  what a prompt with the draft takes; null: not known
 * @property {string} system  what the model is told before all else; "" for nothing
 * @property {readonly import("./chat-shelf.js").ShelvedChat[]} others  the chats that are not shown, latest first
 * @property {number} nextId  of a turn, in whichever chat
 * @property {string} draft  what stands in the composer
 * @property {boolean} enableThinking
 * @property {Sampling} sampling  only what differs from the bundle's defaults
 * @property {ToolChoice} tools
 * @property {import("./response-format.js").FormatChoice} format  of the answers
 * @property {string} formatProblem  why no answer can have this form; "" if one can, or that is not known
 * @property {Notice | null} notice
 */

/**
 * @typedef {{kind: "load-started", at: number}
 *   | {kind: "progress", progress: Progress}
 *   | {kind: "ready", ready: Ready}
 *   | {kind: "load-failed", error: ErrorDescription, at: number}
 *   | {kind: "load-resumed"}
 *   | {kind: "lost", notice: Notice}
 *   | {kind: "draft", text: string}
 *   | {kind: "question", text: string}
 *   | {kind: "retry"}
 *   | TurnEvent
 *   | {kind: "turnsDropped", id: number, messages: number}
 *   | {kind: "turn-failed", id: number, error: ErrorDescription, at: number}
 *   | {kind: "counted", counted: import("./protocol.js").Counted | null}
 *   | {kind: "queue-stopped"}
 *   | {kind: "new-chat", at: number}
 *   | {kind: "branch", id: number, upTo: "answer" | "question"}
 *   | {kind: "chat-chosen", id: number}
 *   | {kind: "chat-deleted", id: number}
 *   | {kind: "thinking", enabled: boolean}
 *   | {kind: "sampling", sampling: Sampling}
 *   | {kind: "system", text: string}
 *   | {kind: "tools", tools: ToolChoice}
 *   | {kind: "format", format: import("./response-format.js").FormatChoice}
 *   | {kind: "format-checked", problem: string}
 *   | {kind: "opened", chat: SavedChat}
 *   | {kind: "notice", notice: Notice}
 *   | {kind: "notice-dismissed"}
 * } ChatEvent
 */

export {};
