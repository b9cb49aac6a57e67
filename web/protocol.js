// @ts-check
/**
 * The messages between the page and its worker, as types: no logic lives here, and nothing else describes the wire.
 *
 * Every message is one plain object with `kind` and `id`. The page numbers its requests; the worker answers with the
 * id of the request an answer belongs to. Written down in docs/contracts.md, "Page ↔ worker".
 *
 *   load       → progress* → ready | error
 *   generate   → (reasoning | text)* → done | error
 *   runTool    → toolResult | error
 *   checkFormat → formatChecked | error
 *   cancel     → nothing of its own: the generate it names ends in done with finishReason "abort", the load it names
 *                in error LoadCancelledError
 *   statistics → statistics | error
 *   (lost, with the load's id, may come at any time after ready)
 *
 * @module
 */

/**
 * Anything that can post and receive messages: a Worker, a MessagePort, the worker's own global scope.
 * @typedef {object} Endpoint
 * @property {(message: any) => void} postMessage
 * @property {(type: "message" | "error" | "messageerror", listener: (event: any) => void) => void} addEventListener
 * @property {(type: "message" | "error" | "messageerror", listener: (event: any) => void) => void} removeEventListener
 * @property {() => void} [start]  a MessagePort delivers nothing before it
 * @property {() => void} [terminate]  a Worker has it
 */

/** @typedef {"auto" | "webgpu" | GraphName} BackendPreference  webgpu: whichever of its graphs runs */
/** @typedef {"webgpu" | "wasm"} BackendName */
/** @typedef {"webgpu-f16" | "webgpu-f32" | "wasm"} GraphName */
/** @typedef {"runtime" | "weights" | "compile" | "warmup"} LoadStage */
/** @typedef {"stop" | "length" | "abort"} FinishReason */

/**
 * @typedef {object} ChatMessage
 * @property {"system" | "user" | "assistant" | "tool"} role  a tool's content is what it gave
 * @property {string} content
 * @property {string} [reasoning_content]  what an assistant thought before it answered
 * @property {ToolCallEntry[]} [tool_calls]  what an assistant asked for before the tools' messages that follow
 */

/** @typedef {{type: "function", function: {name: string, arguments: Record<string, unknown>}}} ToolCallEntry */

/**
 * A function that the model may call: name, description and JSON schema of its parameters, as the template shows it.
 * @typedef {object} ToolSchema
 * @property {"function"} type
 * @property {{name: string, description?: string, parameters: Record<string, unknown>}} function
 */

/**
 * What to sample with; a key left out takes the bundle's default for the mode.
 * @typedef {object} Sampling
 * @property {number} [temperature]  0 is greedy
 * @property {number} [topK]
 * @property {number} [topP]
 * @property {number} [minP]
 * @property {number} [seed]
 * @property {number} [maxNewTokens]  some of them are kept for the answer
 * @property {number} [thinkingBudget]  after so many tokens of reasoning the answer begins
 * @property {number} [topLogprobs]  tells each token's log probability and so many of the likeliest; slow
 * @property {string[]} [stop]  strings that end the answer before them
 * @property {number} [repetitionPenalty]  1 is none
 * @property {number} [presencePenalty]  0 is none
 * @property {number} [frequencyPenalty]  0 is none
 * @property {Record<string, number>} [logitBias]  by token id
 */

/**
 * The defaults a bundle's manifest gives for one mode, by the manifest's own names.
 * @typedef {object} GenerationDefaults
 * @property {number} temperature
 * @property {number} top_k
 * @property {number} top_p
 * @property {number} min_p
 * @property {number} repetition_penalty
 */

/**
 * @typedef {object} LoadOptions
 * @property {string} bundleUrl  folder of manifest.json, ending in "/"; relative ones are resolved against the page
 * @property {BackendPreference} backend
 * @property {number} [threads]  WASM threads; absent: one per core when the page is cross-origin isolated, else 1
 * @property {number} [memoryBudget]  bytes for keys and values, which bound the context; absent: a quarter of the machine's memory
 * @property {number} [parallelFetches]  files that are fetched side by side; absent: 6
 * @property {string} [avoidWebGpu]  why "auto" must not take it: a clause, for the reason that is shown
 * @property {boolean} [instrument]  count dispatches by kernel and bytes read back, for `statistics`
 */

/**
 * What form an answer has: JSON of a schema, or a text that fits a pattern from its first character to its last. What is
 * supported: docs/contracts.md, "Response formats".
 * @typedef {{type: "json_schema", schema: Record<string, unknown> | boolean} | {type: "regex", pattern: string}} ResponseFormat
 */

/**
 * @typedef {object} GenerateOptions
 * @property {ChatMessage[]} messages
 * @property {boolean} [enableThinking]  absent: if the model can; true is an error where it cannot
 * @property {Sampling} sampling
 * @property {ToolSchema[]} [tools]  whoever asks runs them, and asks again with what they gave
 * @property {ResponseFormat} [responseFormat]  of the answer; reasoning and calls of tools are free
 * @property {"error" | "truncate-oldest-turns"} [overflow]  of a chat that is too long; absent: error
 * @property {boolean} [promptLookup]  whether guesses from what was said before may run along; absent: false
 * @property {number[]} [said]  ids that the interrupted answer to this request, seed included, had said; tells what follows
 */

/**
 * @typedef {object} CountOptions
 * @property {ChatMessage[]} messages
 * @property {boolean} [enableThinking]  absent: if the model can; true is an error where it cannot
 * @property {ToolSchema[]} [tools]
 */

/**
 * What a model asked for: a tool and its arguments, or (problem) what it wrote instead and what is wrong with that.
 * @typedef {{name: string, arguments: Record<string, unknown>, problem?: undefined}
 *   | {text: string, problem: string}} ToolCall
 */

/**
 * @typedef {object} ToolRequest
 * @property {ToolCall} call
 * @property {ToolSchema[]} tools  what the model was offered
 */

/**
 * @typedef {object} Counted
 * @property {number} tokens  of a prompt of these messages
 * @property {number} contextSize  tokens
 */

/**
 * How far one stage of loading is. "runtime" and "weights" run at the same time. "compile" counts the bytes of weights
 * that are expanded (WASM; none on WebGPU) and reaches its total, one byte more, when the session exists. "warmup" has
 * nothing to count and goes from 0 of 1 to 1 of 1.
 * @typedef {object} Progress
 * @property {LoadStage} stage
 * @property {number} loadedBytes
 * @property {number} totalBytes  0 while it is not known
 * @property {Transfer} [transfer]  of stage "weights"
 */

/**
 * A download in figures.
 * @typedef {object} Transfer
 * @property {number} loadedBytes
 * @property {number} totalBytes
 * @property {number} storedBytes  of those loaded, that this device had kept
 * @property {number | null} bytesPerSecond  from the network, over the last seconds; null while nothing comes
 * @property {number | null} secondsLeft  at that rate
 * @property {"another-tab" | "connection" | null} waitingFor  another tab that fetches the same, or the network
 * @property {string | null} reason  for a person: why the next visit will download it again; known before anything is fetched
 */

/**
 * Where the model's files are when it has loaded.
 * @typedef {object} StoreDescription
 * @property {"device" | "memory"} place  kept for the next visit, or not
 * @property {string | null} reason  for a person: why they are not kept, or what else to know about them
 */

/**
 * @typedef {object} ModelDescription
 * @property {string} name
 * @property {number} contextSize  tokens: the model's positions, or what the memory budget leaves of them
 * @property {boolean} thinking  whether it can reason before it answers
 * @property {{thinking: GenerationDefaults, non_thinking: GenerationDefaults}} generation
 */

/**
 * @typedef {object} BackendDescription
 * @property {BackendName} name
 * @property {GraphName} graph
 * @property {string} reason  for a person: why this backend and not another, and WASM's threads
 * @property {string} [adapter]  what WebGPU calls the adapter
 * @property {DroppedBackend[]} dropped  that were tried before it, in their order
 * @property {BackendCheck} check
 * @property {number} decodeMs  of a token, measured once at load on a short context
 */

/**
 * A backend that did not start, or does not compute rightly.
 * @typedef {object} DroppedBackend
 * @property {GraphName} graph
 * @property {string} problem  in short
 * @property {ErrorDescription} error
 */

/**
 * How the backend's first tokens were compared with those that the bundle names.
 * @typedef {object} BackendCheck
 * @property {"certificate" | "export" | null} against  null: the bundle names none, and only its logits were looked at
 * @property {number} tokens  compared
 * @property {number} nearTies  of them, tokens that differ where the model is undecided
 */

/**
 * @typedef {object} AdapterDescription
 * @property {string} name
 * @property {boolean} software  computes on the CPU
 * @property {boolean} shaderF16
 * @property {boolean} subgroups
 * @property {number} largestBindingBytes  that a shader may bind
 * @property {number} storageBuffers  that a shader may bind
 */

/**
 * @typedef {object} MachineDescription
 * @property {AdapterDescription | null} adapter  null: WebGPU was not asked, or has none
 * @property {number} threads  that WASM has here
 * @property {number} processors  as the browser tells it
 * @property {number | null} memoryGiB  as the browser tells it; null: it does not
 */

/**
 * @typedef {object} Ready
 * @property {ModelDescription} model
 * @property {BackendDescription} backend
 * @property {MachineDescription} machine
 * @property {import("./key-value-budget.js").KeyValueBudget} keyValues  memory of the context
 * @property {ToolSchema[] | null} tools  that run in the worker; null where the model cannot call any
 * @property {StoreDescription} store
 */

/**
 * @typedef {object} Usage
 * @property {number} promptTokens
 * @property {number} cachedTokens  of the prompt, already in the cache
 * @property {number} reasoningTokens
 * @property {number} answerTokens
 * @property {number} prefillMs
 * @property {number} decodeMs
 * @property {number} contextUsed  tokens
 * @property {number} contextSize  tokens
 * @property {number} keyValueBytes  memory that the context's keys and values take, with the room they have to grow into
 * @property {number} seed
 * @property {boolean} reasoningCut  whether the budget, or the answer's reserve, ended the reasoning
 * @property {number} steps  runs of the model that the new tokens took
 * @property {number} [replayedTokens]  of the new ones, said before an interruption; decodeMs is not for these
 */

/**
 * An error on its way: the class name it had where it was raised, a message that says what was wrong, what was
 * expected and what to do, and (for developers) the traceback or stack.
 * @typedef {object} ErrorDescription
 * @property {string} name
 * @property {string} message
 * @property {string} [detail]
 */

/**
 * Running totals since `ready`, warm-up left out; a caller takes two and subtracts.
 * @typedef {object} Statistics
 * @property {number} runs  session runs (one per decoded token, one per chunk of prefill)
 * @property {number} readBackBytes  bytes that came back from the device or were read from the graph's outputs
 * @property {Record<string, number> | null} dispatches  by kernel name; null when load did not ask to instrument
 * @property {Record<string, number> | null} storageBuffers  the most that one dispatch of a kernel bound; null as above
 * @property {Record<string, number> | null} largestBindings  bytes of the largest of them, by kernel; null as above
 * @property {number | null} mappedBytes  bytes of GPU buffers mapped for reading; null as above
 * @property {Step[] | null} steps  every run since ready; null as above
 */

/**
 * One run of the graph: `inputIds` at `position`, and the two likeliest tokens after them, the likeliest first.
 * @typedef {object} Step
 * @property {number} position
 * @property {number[]} inputIds
 * @property {number[]} ids
 * @property {number[]} logits
 */

/** @typedef {{kind: "load", id: number} & LoadOptions} LoadMessage */
/** @typedef {{kind: "generate", id: number} & GenerateOptions} GenerateMessage */
/** @typedef {{kind: "cancel", id: number, target: number}} CancelMessage */
/** @typedef {{kind: "count", id: number} & CountOptions} CountMessage */
/** @typedef {{kind: "preface", id: number} & CountOptions} PrefaceMessage */
/** @typedef {{kind: "statistics", id: number}} StatisticsMessage */
/** @typedef {{kind: "runTool", id: number} & ToolRequest} RunToolMessage */
/** @typedef {{kind: "checkFormat", id: number, responseFormat: ResponseFormat}} CheckFormatMessage */
/**
 * @typedef {LoadMessage | GenerateMessage | CancelMessage | CountMessage | RunToolMessage | CheckFormatMessage
 *   | PrefaceMessage | StatisticsMessage} PageMessage
 */

/** @typedef {{kind: "progress", id: number} & Progress} ProgressMessage */
/** @typedef {{kind: "ready", id: number} & Ready} ReadyMessage */
/** @typedef {{kind: "turnsDropped", id: number, messages: number}} TurnsDroppedMessage  comes before all else */
/** @typedef {{kind: "prefill", id: number, readTokens: number, promptTokens: number}} PrefillMessage */
/** @typedef {{kind: "reasoning", id: number, text: string}} ReasoningMessage */
/** @typedef {{kind: "text", id: number, text: string}} TextMessage */
/**
 * A token and the natural logarithm of its probability among the whole vocabulary, before sampling options.
 * @typedef {object} TokenLogprob
 * @property {number} id
 * @property {string} text
 * @property {number[]} bytes  may be a part of a character
 * @property {number} logprob
 */
/**
 * Comes before the text of its token.
 * @typedef {{kind: "logprobs", id: number, chosen: TokenLogprob, top: TokenLogprob[]}} LogprobsMessage
 */
/** @typedef {{kind: "toolCall", id: number} & ToolCall} ToolCallMessage */
/** @typedef {{kind: "done", id: number, finishReason: FinishReason, usage: Usage}} DoneMessage */
/** @typedef {{kind: "counted", id: number} & Counted} CountedMessage */
/** @typedef {{kind: "toolResult", id: number, content: string | null}} ToolResultMessage  null: a person has to say it */
/** @typedef {{kind: "formatChecked", id: number}} FormatCheckedMessage */
/** @typedef {{kind: "prefaceRead", id: number}} PrefaceReadMessage  or left, as a question came */
/** @typedef {{kind: "statistics", id: number, statistics: Statistics}} StatisticsReply */
/** @typedef {{kind: "error", id: number, error: ErrorDescription}} ErrorMessage */
/** @typedef {{kind: "lost", id: number, error: ErrorDescription}} LostMessage  the worker is of no more use */
/**
 * @typedef {ProgressMessage | ReadyMessage | GenerationEvent | CountedMessage | ToolResultMessage | FormatCheckedMessage
 *   | PrefaceReadMessage | StatisticsReply | ErrorMessage | LostMessage
 * } WorkerMessage
 */

/**
 * What a generation yields to the page; the last one is always `done`. `said`: ids of tokens said since the last message
 * that had some, and before what this one tells.
 * @typedef {(TurnsDroppedMessage | PrefillMessage | LogprobsMessage | ReasoningMessage | TextMessage | ToolCallMessage | DoneMessage)
 *   & {said?: number[]}} GenerationEvent
 */

export {};
