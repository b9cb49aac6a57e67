// @ts-check
/**
 * A client that outlives its workers: where one is lost, another is loaded in its place, and what ran goes on there.
 *
 * The one place where a loss is seen to, whether the model was loading, answering, running a tool or idle. The old worker is
 * ended before the new one starts. Given up, what ran waits until a person wants it tried again. Knows neither chat nor DOM;
 * when to give up is `recovery.js`.
 *
 * @module
 */

import { AnswerRecord } from "./answer-record.js";
import { isFatal, isLoss, RecoveryPolicy, WEBGPU_FAILED } from "./recovery.js";
import { ReplyStop } from "./reply-stop.js";

/** @typedef {import("./protocol.js").Counted} Counted */
/** @typedef {import("./protocol.js").CountOptions} CountOptions */
/** @typedef {import("./protocol.js").GenerateOptions} GenerateOptions */
/** @typedef {import("./protocol.js").GenerationEvent} GenerationEvent */
/** @typedef {import("./protocol.js").LoadOptions} LoadOptions */
/** @typedef {import("./protocol.js").Progress} Progress */
/** @typedef {import("./protocol.js").Ready} Ready */
/** @typedef {import("./protocol.js").ResponseFormat} ResponseFormat */
/** @typedef {import("./protocol.js").ToolRequest} ToolRequest */
/** @typedef {import("./recovery.js").RecoveryStep} RecoveryStep */
/** @typedef {import("./reply-stop.js").RunningGeneration} RunningGeneration */

/**
 * What is needed of a client, one for each worker; `PagelmClient` is one.
 * @typedef {object} ModelClient
 * @property {(options: LoadOptions, onProgress: (progress: Progress) => void) => Promise<Ready>} load  once
 * @property {(options: GenerateOptions) => RunningGeneration} generate
 * @property {(request: ToolRequest) => Promise<string | null>} runTool
 * @property {(options: CountOptions) => Promise<Counted>} countTokens
 * @property {(format: ResponseFormat) => Promise<true>} checkFormat
 * @property {(options: CountOptions) => Promise<true>} readPreface
 * @property {() => void} cancelLoad  ends it with a LoadCancelledError
 * @property {() => void} close
 * @property {Promise<Error>} lost  resolves when it is of no more use, and was not closed
 */

/**
 * Told in the order in which it happens, and no more once the client is closed.
 * @typedef {object} LoadListener
 * @property {(progress: Progress) => void} progress
 * @property {(ready: Ready, before: Ready | null) => void} ready  before: what it said before it was lost
 * @property {(error: Error, step: RecoveryStep) => void} lost  it is being loaded again
 * @property {(error: Error) => void} failed  nothing more is tried until `loadAgain`
 */

/**
 * stopped: a reply that was stopped while nothing ran that could have told its end
 * @typedef {GenerationEvent | import("./answer-record.js").CutBack | {kind: "stopped"}} SteadyEvent
 */

export class SteadyClient {
  #startClient;
  #asked;
  #options;
  #listener;
  #policy;
  /** Of now; null: there is none to lose. @type {ModelClient | null} */ #client = null;
  /** That answers, once it can. @type {Promise<ModelClient>} */ #loaded;
  /** What was said last; null: nothing has loaded yet. @type {Ready | null} */ #ready = null;
  #closed = false;
  /** Replies and calls that run, or wait to go on. */ #running = 0;
  /** Ends the wait of what ran when it was given up. @type {() => void} */ #resume = () => {};
  /** @type {Promise<void>} */ #resumed = this.#holdOn();

  /**
   * Begins to load.
   * @param {() => ModelClient} startClient
   * @param {LoadOptions} options
   * @param {LoadListener} listener
   */
  constructor(startClient, options, listener) {
    this.#startClient = startClient;
    this.#asked = options;
    this.#options = options;
    this.#listener = listener;
    this.#policy = new RecoveryPolicy(options.backend);
    this.#loaded = this.#open();
    this.#loaded.catch(() => {}); // was told, and whoever waits sees it
  }

  /**
   * As a client's, but it goes on after a loss.
   * @param {GenerateOptions} options
   * @returns {AsyncIterable<SteadyEvent> & {cancel: () => void}}
   */
  generate(options) {
    const stop = new ReplyStop();
    return {
      cancel: () => stop.ask(),
      [Symbol.asyncIterator]: () => this.#tell(new AnswerRecord(options), stop),
    };
  }

  /**
   * As a client's; a call that a loss interrupts is run again.
   * @param {ToolRequest} request
   * @returns {Promise<string | null>}
   */
  async runTool(request) {
    this.#running += 1;
    try {
      for (let loaded = this.#loaded; ; loaded = this.#loadedAgain()) {
        const client = await loaded;
        try {
          const result = await client.runTool(request);
          this.#policy.works(Date.now());
          return result;
        } catch (error) {
          if (!this.#mend(client, error)) throw error;
        }
      }
    } finally {
      this.#running -= 1;
    }
  }

  /** @param {CountOptions} options */
  async countTokens(options) {
    return (await this.#loaded).countTokens(options);
  }

  /** @param {CountOptions} options */
  async readPreface(options) {
    return (await this.#loaded).readPreface(options);
  }

  /** @param {ResponseFormat} format */
  async checkFormat(format) {
    return (await this.#loaded).checkFormat(format);
  }

  cancelLoad() {
    this.#client?.cancelLoad();
  }

  /** Loads as at first, once it `failed`; what ran then goes on. */
  loadAgain() {
    this.#client?.close();
    this.#options = this.#asked;
    this.#policy = new RecoveryPolicy(this.#asked.backend);
    this.#loaded = this.#open();
    this.#loaded.catch(() => {}); // as at first
    this.#resume();
    this.#resumed = this.#holdOn();
  }

  /** Ends the worker; whatever is still open fails. */
  close() {
    this.#closed = true;
    this.#resume();
    this.#client?.close();
    this.#client = null;
  }

  /**
   * @param {AnswerRecord} record
   * @param {ReplyStop} stop
   * @returns {AsyncGenerator<SteadyEvent, void, void>}
   */
  async *#tell(record, stop) {
    this.#running += 1;
    try {
      yield* this.#goOn(record, stop);
    } finally {
      this.#running -= 1;
    }
  }

  /**
   * @param {AnswerRecord} record
   * @param {ReplyStop} stop
   * @returns {AsyncGenerator<SteadyEvent, void, void>}
   */
  async *#goOn(record, stop) {
    for (let loaded = this.#loaded; ; loaded = this.#loadedAgain()) {
      const client = await Promise.race([loaded, stop.asked]);
      if (client === null) break;
      try {
        for await (const event of stop.of(client.generate(record.request))) {
          const news = record.take(event);
          if (news?.kind === "text" || news?.kind === "reasoning") this.#policy.works(Date.now());
          if (news) yield news;
        }
        return;
      } catch (error) {
        if (!this.#mend(client, error)) throw error;
        yield record.cutBack();
      }
    }
    yield { kind: "stopped" };
  }

  /** @returns {Promise<void>} */
  #holdOn() {
    return new Promise((resolve) => {
      this.#resume = resolve;
    });
  }

  /**
   * What answers after a loss, even if a person has to want that first.
   * @returns {Promise<ModelClient>}
   */
  async #loadedAgain() {
    for (;;) {
      const loaded = this.#loaded;
      try {
        return await loaded;
      } catch (error) {
        if (this.#closed) throw error;
        if (loaded === this.#loaded) await this.#resumed;
      }
    }
  }

  /** @returns {Promise<ModelClient>} */
  async #open() {
    for (;;) {
      /** @type {ModelClient | null} */
      let client = null;
      try {
        client = this.#startClient();
        await this.#load(client);
        return client;
      } catch (error) {
        if (client !== null && this.#drop(client, error)) continue;
        if (!this.#closed) this.#listener.failed(asError(error));
        throw error;
      }
    }
  }

  /** @param {ModelClient} client */
  async #load(client) {
    this.#client = client;
    const ready = await client.load(this.#options, (progress) => this.#listener.progress(progress));
    const before = this.#ready;
    this.#ready = ready;
    if (this.#running === 0) this.#policy.works(Date.now());
    void client.lost.then((error) => this.#mend(client, error));
    this.#listener.ready(ready, before);
  }

  /**
   * Loads another client in place of this one, if that is what to do about this error.
   * @param {ModelClient} client
   * @param {unknown} error  of something that ran there
   * @returns {boolean}  false: nothing is done, the error is for whoever waits; true: what ran can be tried again
   */
  #mend(client, error) {
    if (this.#closed) return false;
    if (client !== this.#client) return isLoss(asError(error)); // somebody else has seen to it
    if (this.#drop(client, error)) {
      this.#loaded = this.#open();
      this.#loaded.catch(() => {}); // as above
      return true;
    }
    if (isFatal(asError(error))) {
      this.#loaded = Promise.reject(error);
      this.#loaded.catch(() => {});
      this.#listener.failed(asError(error));
      return true;
    }
    return false;
  }

  /**
   * Ends a client that is of no more use.
   * @param {ModelClient} client
   * @param {unknown} cause
   * @returns {boolean}  whether to load again
   */
  #drop(client, cause) {
    if (this.#closed) return false;
    const error = asError(cause);
    const step = this.#policy.afterLoss(error, this.#ready?.backend.name ?? null, Date.now());
    if (step !== null || isFatal(error)) {
      this.#client = null;
      client.close();
    }
    if (step === null) return false;
    if (step === "wasm") this.#options = { ...this.#options, avoidWebGpu: WEBGPU_FAILED };
    this.#listener.lost(error, step);
    return true;
  }
}

/** @param {unknown} error */
function asError(error) {
  return error instanceof Error ? error : new Error(String(error));
}
