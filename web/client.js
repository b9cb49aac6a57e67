// @ts-check
/**
 * The page's side of the worker protocol: requests become promises and streams, errors keep their names.
 *
 * Works over any Endpoint (Worker, MessagePort). Knows nothing about the DOM, tokens or backends.
 *
 * @module
 */

import { RemoteError, WorkerError } from "./errors.js";
import { Generation } from "./generation.js";
import { watchLife } from "./worker-life.js";

/** @typedef {import("./protocol.js").Endpoint} Endpoint */
/** @typedef {import("./protocol.js").PageMessage} PageMessage */
/** @typedef {import("./protocol.js").WorkerMessage} WorkerMessage */
/** @typedef {{receive: (message: WorkerMessage) => void, fail: (error: Error) => void}} Request */

export class PagelmClient {
  /** @type {Endpoint} */ #endpoint;
  /** @type {Map<number, Request>} */ #requests = new Map();
  #nextId = 1;
  #loadId = 0;
  /** @type {Error | null} */ #broken = null;
  /** @type {string | null} */ #workerName;
  /** @type {(() => void) | null} */ #endWatch = null;
  /** @type {(error: Error) => void} */ #tellLoss = () => {};

  /**
   * @param {Endpoint} endpoint
   * @param {string | null} [workerName]  of a worker that holds the lock of this name; null: its death is not told
   */
  constructor(endpoint, workerName = null) {
    this.#endpoint = endpoint;
    this.#workerName = workerName;
    /** Resolves when the worker, or what it computes on, is of no more use; not when it is closed. @type {Promise<Error>} */
    this.lost = new Promise((resolve) => {
      this.#tellLoss = resolve;
    });
    endpoint.addEventListener("message", this.#onMessage);
    endpoint.addEventListener("messageerror", this.#onBroken);
    endpoint.addEventListener("error", this.#onBroken);
    endpoint.start?.();
  }

  /**
   * Starts a module worker and returns a client for it.
   * @param {string | URL} [workerUrl]  default: worker.js beside this file
   */
  static start(workerUrl = new URL("./worker.js", import.meta.url)) {
    const name = `pagelm-${crypto.getRandomValues(new Uint32Array(3)).join("-")}`;
    return new PagelmClient(new Worker(workerUrl, { type: "module", name }), name);
  }

  /**
   * Loads runtime, weights and backend. One load per worker.
   *
   * @param {import("./protocol.js").LoadOptions} options
   * @param {(progress: import("./protocol.js").Progress) => void} [onProgress]
   * @returns {Promise<import("./protocol.js").Ready>}
   */
  load({ bundleUrl, ...options }, onProgress) {
    // The worker would resolve a relative address against itself, the caller means the page.
    const base = globalThis.document?.baseURI;
    this.#loadId = this.#nextId;
    // Only a page may ask; the answer changes what the browser deletes when space is short, not whether loading goes on.
    void globalThis.navigator?.storage?.persist?.().catch(() => false);
    return this.#ask({ kind: "load", bundleUrl: new URL(bundleUrl, base).href, ...options }, (message) => {
      this.#watchWorker();
      if (message.kind === "progress") onProgress?.(message);
      if (message.kind !== "ready") return undefined;
      const { kind: _, id: __, ...ready } = message;
      return ready;
    });
  }

  /** Stops the load that runs: it rejects with LoadCancelledError. Loading again goes on with what has arrived. */
  cancelLoad() {
    this.#cancel(this.#loadId);
  }

  /**
   * Starts a generation. Iterate over the result for its events; leaving the loop early cancels it.
   *
   * @param {import("./protocol.js").GenerateOptions} options
   * @returns {Generation}
   */
  generate(options) {
    const generation = new Generation(() => this.#cancel(id));
    const id = this.#send({ kind: "generate", ...options }, generation);
    return generation;
  }

  /**
   * How much of the context a prompt of these messages takes; may be asked while a generation runs.
   *
   * @param {import("./protocol.js").CountOptions} options
   * @returns {Promise<import("./protocol.js").Counted>}
   */
  countTokens(options) {
    return this.#ask({ kind: "count", ...options }, (message) =>
      message.kind === "counted" ? { tokens: message.tokens, contextSize: message.contextSize } : undefined,
    );
  }

  /**
   * Runs a call of a tool.
   *
   * @param {import("./protocol.js").ToolRequest} request
   * @returns {Promise<string | null>}  what the model is told; null: a person has to say it
   */
  runTool(request) {
    return this.#ask({ kind: "runTool", ...request }, (message) =>
      message.kind === "toolResult" ? { content: message.content } : undefined,
    ).then(({ content }) => content);
  }

  /**
   * Whether answers can have this form; the named error says why not. Takes what it would take to begin one.
   *
   * @param {import("./protocol.js").ResponseFormat} responseFormat
   * @returns {Promise<true>}
   */
  checkFormat(responseFormat) {
    return this.#ask({ kind: "checkFormat", responseFormat }, (message) =>
      message.kind === "formatChecked" ? true : undefined,
    );
  }

  /**
   * Lets the model read what the next prompt will begin with, whatever is asked. A generation does not wait for it: it is
   * left at its next piece, and so is an earlier one. What has been read stays.
   *
   * @param {import("./protocol.js").CountOptions} options  its messages: a chat without its next question
   * @returns {Promise<true>}
   */
  readPreface(options) {
    return this.#ask({ kind: "preface", ...options }, (message) =>
      message.kind === "prefaceRead" ? true : undefined,
    );
  }

  /**
   * Totals since `ready`.
   * @returns {Promise<import("./protocol.js").Statistics>}
   */
  statistics() {
    return this.#ask({ kind: "statistics" }, (message) =>
      message.kind === "statistics" ? message.statistics : undefined,
    );
  }

  /** Ends the worker; whatever is still open fails. */
  close() {
    this.#endWatch?.();
    this.#endpoint.terminate?.();
    this.#endpoint.removeEventListener("message", this.#onMessage);
    this.#endpoint.removeEventListener("messageerror", this.#onBroken);
    this.#endpoint.removeEventListener("error", this.#onBroken);
    this.#fail(
      new WorkerError("The worker was closed", {
        expected: "an open worker",
        remedy: "Start a new client to go on.",
      }),
    );
  }

  /** @param {number} target */
  #cancel(target) {
    if (this.#requests.has(target)) {
      this.#endpoint.postMessage({ kind: "cancel", id: this.#nextId++, target });
    }
  }

  /**
   * @template Result
   * @param {PageMessage extends infer Message ? Message extends PageMessage ? Omit<Message, "id"> : never : never} message
   * @param {(message: WorkerMessage) => Result | undefined} take  undefined: not the answer yet
   * @returns {Promise<Result>}
   */
  #ask(message, take) {
    return new Promise((resolve, reject) => {
      const id = this.#send(message, {
        receive: (reply) => {
          const result = take(reply);
          if (result === undefined) return;
          this.#requests.delete(id);
          resolve(result);
        },
        fail: reject,
      });
    });
  }

  /**
   * @param {object} message
   * @param {Request} request
   * @returns {number} the id the message got
   */
  #send(message, request) {
    const id = this.#nextId++;
    if (this.#broken) {
      request.fail(this.#broken);
      return id;
    }
    this.#requests.set(id, request);
    this.#endpoint.postMessage({ ...message, id });
    return id;
  }

  #onMessage = (/** @type {{data: WorkerMessage}} */ { data }) => {
    if (data.kind === "lost") {
      this.#lose(new RemoteError(data.error));
      return;
    }
    const request = this.#requests.get(data.id);
    if (request === undefined) return; // a late event of a request that already ended
    if (data.kind === "error") {
      this.#requests.delete(data.id);
      request.fail(new RemoteError(data.error));
      return;
    }
    if (data.kind === "done") this.#requests.delete(data.id);
    request.receive(data);
  };

  #onBroken = (/** @type {{message?: string, filename?: string, lineno?: number}} */ event) => {
    const place = event.filename ? ` at ${event.filename}:${event.lineno}` : "";
    this.#lose(
      new WorkerError(`The worker failed${place}: ${event.message || "it could not be started"}`, {
        expected: "a module worker that starts and keeps running",
        remedy: "Reload the page; if it happens again, check that worker.js is served as JavaScript.",
      }),
    );
  };

  /** The worker has its lock before it says anything about a load. */
  #watchWorker() {
    if (this.#workerName === null || this.#endWatch) return;
    this.#endWatch = watchLife(this.#workerName, () =>
      this.#lose(
        new WorkerError("The worker was ended by the browser", {
          expected: "a worker that keeps running",
          remedy: "Load the model again; if it happens again, close other tabs, since memory may be short.",
        }),
      ),
    );
  }

  /** @param {Error} error */
  #lose(error) {
    this.#fail(error);
    this.#tellLoss(error);
  }

  /** @param {Error} error */
  #fail(error) {
    this.#broken = error;
    const open = [...this.#requests.values()];
    this.#requests.clear();
    for (const request of open) request.fail(error);
  }
}
