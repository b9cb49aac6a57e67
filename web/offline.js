// @ts-check
/**
 * The page's side of the service worker: registers it, reloads once where only it can isolate the page, and
 * at the start where a newer version can take over; says when one waits.
 *
 * Never reloads a page by itself once a chat is shown, and never twice in a row. Follows docs/contracts.md, "Service
 * worker". Knows nothing of what the worker keeps.
 *
 * @module
 */

import { availableStorage } from "./storage.js";

/** Any small script of the site: it is not run for what it does. */
const NUDGE_URL = new URL("./breathe.js", import.meta.url).href;
const SERVICE_WORKER_URL = new URL("./service-worker.js", import.meta.url).href;
const RELOADED_KEY = "pagelm.reloaded-to-isolate";
const UPDATE_INTERVAL_MS = 60_000;
const ANSWER_LIMIT_MS = 5_000;
const TAKE_OVER_LIMIT_MS = 10_000;
const TAKE_OVER_AGAIN_MS = 1_000;

export const SENTENCES = {
  newVersion:
    "A new version of this page is here. This chat goes on with its own; the new one takes over when you reload and no other tab of the page is open.",
  insecure: "Browsers keep pages and run threads only over https or on localhost.",
  denied: "This browser refuses the page a service worker, which private windows and settings may do.",
  notKept: "The page will not open without its server.",
  oneThread:
    "WASM runs on one thread, because neither the host nor a service worker isolates the page (COOP/COEP).",
  embedded: "It is inside another page, which would have to be isolated too.",
  refused: "Its service worker runs, and the browser does not isolate it nevertheless.",
};

/**
 * Isolates the page through the service worker where the host does not: reloads once, and then never returns.
 *
 * @param {(share: number) => void} onProgress  of what is fetched before that, 0 to 1
 * @returns {Promise<string | null>}  a sentence: why WASM cannot have threads
 */
export async function isolatePage(onProgress) {
  const session = availableStorage("sessionStorage");
  if (crossOriginIsolated) {
    session?.removeItem(RELOADED_KEY);
    return null;
  }
  const because = (/** @type {string} */ why) => `${SENTENCES.oneThread} ${why}`;
  if (window.top !== window) return because(SENTENCES.embedded);
  if (session?.getItem(RELOADED_KEY)) return because(SENTENCES.refused);
  try {
    if (!session) throw new Error(SENTENCES.denied);
    await activated(await register(), onProgress);
    session.setItem(RELOADED_KEY, "1");
  } catch (error) {
    return because(reasonOf(error));
  }
  location.reload();
  return new Promise(() => {});
}

/**
 * Lets a newer version that is already whole replace this one, if no other page shows it: reloads once it runs, and then
 * never returns. For the start of a page: nothing is lost then, and no file of the version before is asked for later.
 *
 * @param {Pick<ServiceWorkerContainer, "controller" | "getRegistration" | "addEventListener"> | undefined} [container]
 * @param {{reload?: () => void, nudge?: () => void, nudgeMs?: number}} [means]
 * @returns {Promise<void>}
 */
export async function takeNewVersion(
  container = globalThis.navigator?.serviceWorker,
  { reload = () => location.reload(), nudge = endOlderVersion, nudgeMs = TAKE_OVER_AGAIN_MS } = {},
) {
  if (!container?.controller) return;
  const waiting = (await container.getRegistration())?.waiting;
  if (!waiting || !(await mayTakeOver(waiting))) return;
  const replaced = within(TAKE_OVER_LIMIT_MS, (resolve) => {
    container.addEventListener("controllerchange", () => resolve(true), { once: true });
  });
  waiting.postMessage({ kind: "takeOver" });
  const nudging = setInterval(nudge, nudgeMs);
  if (!(await replaced.finally(() => clearInterval(nudging)))) return;
  reload();
  await new Promise(() => {});
}

/**
 * Makes Chromium 156 end the version before, which it asks to go only once: any request that comes just then, as that of the
 * page's icon, starts it again, and it stays until a worker or a page is opened. What asks for that is lost with it, so it
 * must not be the worker that the page needs: measured, it waited for its script forever.
 */
function endOlderVersion() {
  const worker = new Worker(NUDGE_URL, { type: "module", name: "pagelm nudge" });
  setTimeout(() => worker.terminate(), TAKE_OVER_AGAIN_MS);
}

/**
 * @param {ServiceWorker} waiting
 * @returns {Promise<boolean>}
 */
async function mayTakeOver(waiting) {
  const { port1, port2 } = new MessageChannel();
  try {
    return await within(ANSWER_LIMIT_MS, (resolve) => {
      port1.onmessage = ({ data }) => resolve(data.alone);
      waiting.postMessage({ kind: "mayTakeOver" }, [port2]);
    });
  } finally {
    port1.close();
  }
}

/**
 * Someone else's yes or no, and no if it does not come: the page starts nevertheless.
 *
 * @param {number} limitMs
 * @param {(resolve: (answer: boolean) => void) => void} ask
 * @returns {Promise<boolean>}
 */
async function within(limitMs, ask) {
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  let timer;
  const answer = new Promise((resolve) => {
    timer = setTimeout(resolve, limitMs, false);
    ask(resolve);
  });
  return answer.finally(() => clearTimeout(timer));
}

/**
 * Keeps this version for when the server is gone, and looks for newer ones.
 *
 * @param {string} version  of the site that this page is of
 * @param {(sentence: string, canReload: boolean) => void} say
 */
export async function keepPage(version, say) {
  try {
    const registration = await register();
    watchForUpdates(registration, () => say(SENTENCES.newVersion, true));
    await activated(registration, () => {});
    // Until then everything that is loaded later would come from the server, whose version may be another by then.
    registration.active?.postMessage({ kind: "claim", version });
  } catch (error) {
    say(`${SENTENCES.notKept} ${reasonOf(error)}`, false);
  }
}

/** @returns {Promise<ServiceWorkerRegistration>} */
async function register() {
  if (!isSecureContext) throw new Error(SENTENCES.insecure);
  if (!("serviceWorker" in navigator)) throw new Error(SENTENCES.denied);
  /** @type {ServiceWorkerRegistration | undefined} */
  let registration;
  try {
    registration = await navigator.serviceWorker.register(SERVICE_WORKER_URL, { updateViaCache: "none" });
  } catch (cause) {
    throw new Error(`${SENTENCES.denied} (${reasonOf(cause)})`, { cause });
  }
  if (!registration) throw new Error(SENTENCES.denied);
  return registration;
}

/**
 * @param {ServiceWorkerRegistration} registration
 * @param {(share: number) => void} onProgress
 * @returns {Promise<void>}  when a version runs
 * @throws {Error} when the first one could not be kept
 */
function activated(registration, onProgress) {
  const first = registration.installing ?? registration.waiting;
  if (registration.active || !first) return Promise.resolve();
  let reason = "What it needs could not be kept.";
  return new Promise((resolve, reject) => {
    const listen = (/** @type {MessageEvent} */ { data }) => {
      if (data.kind === "installing") onProgress(data.loadedBytes / data.totalBytes);
      if (data.kind === "failed") reason = data.message;
    };
    navigator.serviceWorker.addEventListener("message", listen);
    navigator.serviceWorker.startMessages();
    first.addEventListener("statechange", () => {
      if (first.state !== "activated" && first.state !== "redundant") return;
      navigator.serviceWorker.removeEventListener("message", listen);
      if (first.state === "activated") resolve();
      else reject(new Error(reason));
    });
  });
}

/**
 * @param {ServiceWorkerRegistration} registration
 * @param {() => void} onNewVersion
 */
function watchForUpdates(registration, onNewVersion) {
  const announce = () => {
    if (!registration.active || !registration.waiting) return;
    onNewVersion();
  };
  announce();
  registration.addEventListener("updatefound", () => {
    const { installing } = registration;
    installing?.addEventListener("statechange", () => {
      if (installing.state === "installed") announce();
    });
  });
  let lookedAtMs = performance.now();
  document.addEventListener("visibilitychange", () => {
    if (document.hidden || performance.now() - lookedAtMs < UPDATE_INTERVAL_MS) return;
    lookedAtMs = performance.now();
    // Without the server there is nothing new.
    registration.update().catch(() => {});
  });
}

/** @param {unknown} error */
function reasonOf(error) {
  return error instanceof Error ? error.message : String(error);
}
