// @ts-nocheck: served into the site's folder by the test, where these modules are.
/**
 * A worker like web/worker.js that runs tests/contract/backend_contract.py instead of a chat.
 *
 * @module
 */

import { chooseBackends } from "./backend-choice.js";
import { openBundle } from "./bundle-store.js";
import { compile } from "./candidate-loading.js";
import { Decoder } from "./decoder.js";
import { RuntimeLoading } from "./runtime-loading.js";
import { fetchSiteIndex } from "./site-index.js";

const silent = () => {};

/** A device that outlives the decoders on it. */
class SharedDevice {
  constructor(device) {
    this.device = device;
    this.run = (inputIds, position, rows) => device.run(inputIds, position, rows);
    this.truncate = (length) => device.truncate(length);
    this.logits = (length) => device.logits(length);
    this.close = async () => {};
  }

  get keyValueBytes() {
    return this.device.keyValueBytes;
  }
}

async function run({ backend, bundleUrl, modules, prompts, tokens }) {
  const index = await fetchSiteIndex(new URL("./site.json", import.meta.url).href);
  const bundle = await openBundle(bundleUrl);
  const [candidate] = (await chooseBackends(backend, bundle.manifest.graphs)).candidates;
  const runtimes = new RuntimeLoading(index, undefined, silent);
  const [python, ort] = await Promise.all([runtimes.startPython(), runtimes.loadOnnxRuntime(candidate.name)]);
  for (const [name, source] of Object.entries(modules)) python.FS.writeFile(`/home/pyodide/${name}`, source);
  const files = await bundle.fetchAll(bundle.graph(candidate.graph));
  const { max_position_embeddings: positions } = bundle.manifest.model;
  const { device, capabilities } = await compile(ort, bundle, candidate, files, positions, silent);
  // Each check gets a decoder of its own; the session they share is compiled once and closed at the end.
  const makeDecoder = () => {
    device.truncate(0);
    return new Decoder(new SharedDevice(device), capabilities);
  };
  const report = JSON.parse(await python.pyimport("web_contract").run(makeDecoder, prompts, tokens));
  await device.close();
  return report;
}

addEventListener("message", async ({ data }) => {
  try {
    postMessage({ report: await run(data) });
  } catch (error) {
    postMessage({ failure: String(error?.stack ?? error) });
  }
});
