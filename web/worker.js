// @ts-check
/**
 * The worker: a table of messages, and the one place through which errors leave.
 *
 * Thin on purpose: loading is model-loading.js, everything about the chat is Python. Messages: web/protocol.js.
 *
 * @module
 */

import {
  describeError,
  LoadCancelledError,
  namePythonFailure,
  ProtocolError,
  WorkerError,
} from "./errors.js";
import { loadModel } from "./model-loading.js";
import { holdLife } from "./worker-life.js";

/** @typedef {import("./protocol.js").PageMessage} PageMessage */
/** @typedef {import("./model-loading.js").LoadedModel} LoadedModel */

const page = /** @type {import("./protocol.js").Endpoint} */ (/** @type {unknown} */ (globalThis));

const { name } = /** @type {{name: string}} */ (/** @type {unknown} */ (globalThis));
const alive = holdLife(name);

/** @type {{id: number, stop: AbortController} | null} */
let loading = null;
/** @type {LoadedModel | null} */
let model = null;
/** Settles when nothing is read ahead: the backend takes one run at a time. @type {Promise<void>} */
let ahead = Promise.resolve();

/** @type {{[Kind in PageMessage["kind"]]: (message: Extract<PageMessage, {kind: Kind}>) => Promise<void> | void}} */
const actions = {
  async load(message) {
    if (loading) throw protocolError("a second load", "one load per worker", "Start another worker.");
    const stop = new AbortController();
    loading = { id: message.id, stop };
    try {
      await alive;
      model = await loadModel(message, {
        progress: (progress) => page.postMessage({ kind: "progress", id: message.id, ...progress }),
        post: (kind, id, payload) => page.postMessage({ ...JSON.parse(payload), kind, id }),
        signal: stop.signal,
      });
    } catch (error) {
      // A load that failed may be tried again, with another backend for instance.
      loading = null;
      throw error;
    }
    const tools = JSON.parse(model.session.tools());
    page.postMessage({ kind: "ready", id: message.id, ...model.ready, tools });
    void model.lost.then(tellLoss);
  },

  async generate({ kind: _, id, ...request }) {
    const { session } = loaded("generate");
    // Python takes it, and leaves what it reads ahead, before it begins: a cancel may come meanwhile.
    /** @type {Promise<void> | undefined} */
    let answer;
    await inPython(() => {
      answer = session.generate(id, JSON.stringify(request));
    });
    await ahead;
    await inPython(() => answer);
  },

  async preface({ kind: _, id, ...request }) {
    const { session } = loaded("preface");
    await inPython(() => session.leave_preface());
    const before = ahead;
    const reading = (async () => {
      await before;
      await inPython(() => session.read_preface(id, JSON.stringify(request)));
    })();
    ahead = reading.catch(() => {});
    await reading;
  },

  cancel({ target }) {
    if (target !== loading?.id) model?.session.cancel(target);
    else if (model === null) loading.stop.abort(loadCancelled());
  },

  async count({ kind: _, id, ...request }) {
    const { session } = loaded("count");
    await inPython(() => session.count(id, JSON.stringify(request)));
  },

  async runTool({ kind: _, id, ...request }) {
    const { session } = loaded("runTool");
    await inPython(() => session.run_tool(id, JSON.stringify(request)));
  },

  async checkFormat({ kind: _, id, ...request }) {
    const { session } = loaded("checkFormat");
    await inPython(() => session.check_format(id, JSON.stringify(request)));
  },

  statistics({ id }) {
    page.postMessage({ kind: "statistics", id, statistics: loaded("statistics").statistics() });
  },
};

/** @param {string} kind */
function loaded(kind) {
  if (model === null)
    throw protocolError(`${kind} before ready`, "a load that is done", "Wait for ready first.");
  return model;
}

/** @param {() => Promise<void> | void} call */
async function inPython(call) {
  try {
    await call();
  } catch (error) {
    const named = namePythonFailure(error);
    if (named instanceof WorkerError) tellLoss(named);
    throw named;
  }
}

/** @param {unknown} error  why this worker is of no more use */
function tellLoss(error) {
  if (loading) page.postMessage({ kind: "lost", id: loading.id, error: describeError(error) });
}

/**
 * @param {string} problem
 * @param {string} expected
 * @param {string} remedy
 */
function protocolError(problem, expected, remedy) {
  return new ProtocolError(problem, { expected, remedy });
}

function loadCancelled() {
  return new LoadCancelledError("Loading was stopped", {
    expected: "it to go on",
    remedy: "Try again to go on: what the browser has kept is not fetched again.",
  });
}

page.addEventListener("message", async ({ data }) => {
  try {
    const kind = /** @type {PageMessage["kind"]} */ (data?.kind);
    if (!Object.hasOwn(actions, kind) || !Number.isInteger(data.id)) {
      throw protocolError(
        `a message of kind ${JSON.stringify(data?.kind)} with id ${JSON.stringify(data?.id)}`,
        `a numbered message of kind ${Object.keys(actions).join(", ")}`,
        "Page and worker are of different versions: reload without the cache.",
      );
    }
    await actions[kind](data);
  } catch (error) {
    page.postMessage({ kind: "error", id: data?.id, error: describeError(error) });
  }
});

// A breakdown inside a callback of Python's event loop: the call that waits for it never settles.
addEventListener("unhandledrejection", (event) => {
  if (!event.reason?.pyodide_fatal_error) return;
  event.preventDefault(); // it is seen to
  tellLoss(namePythonFailure(event.reason));
});
