"""The Backend contract on the web backend: Pyodide in a module worker, on WASM and on real WebGPU."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from playwright.sync_api import Page

from browser.native_graph import NATIVE_GRAPH
from browser.threads import in_a_thread
from browser.web_contract import greedy_ids
from contract.backend_contract import CHECKS
from pagelm._backend_native import NativeBackend, NativeGraph

HERE = Path(__file__).parent
SOURCES = (HERE / "web_contract.py", HERE.parent / "contract" / "backend_contract.py")

# An isolated page refuses a worker that is not isolated itself.
WORKER_HEADERS = {"content-type": "text/javascript", "cross-origin-embedder-policy": "require-corp"}

RUN = """async (order) => {
  const at = (path) => new URL(path, document.baseURI).href;
  const worker = new Worker(at("contract-worker.js"), { type: "module" });
  try {
    return await new Promise((resolve, reject) => {
      worker.onmessage = ({ data }) => (data.report ? resolve(data.report) : reject(new Error(data.failure)));
      worker.onerror = (event) => reject(new Error(event.message || "the worker did not start"));
      worker.postMessage({ ...order, bundleUrl: at("models/pico/") });
    });
  } finally {
    worker.terminate();
  }
}"""


# One token, a few, more than the kernels' tiles have rows, and one whose answer outgrows the first capacity
# (512). None begins with a near-tie, which the last bit of a float decides.
PROMPTS = [
    [7],
    [3, 1, 4, 1, 5, 9, 2, 6],
    [(7 * place) % 480 for place in range(70)],
    [(31 * place) % 480 for place in range(505)],
]
GREEDY_TOKENS = 16


@pytest.mark.parametrize(("backend", "graph"), NATIVE_GRAPH.items())
def test_web_backend_keeps_the_contract_and_gives_the_native_ids(
    page: Page, site_url: str, exact_pico: Path, backend: str, graph: NativeGraph
) -> None:
    page.context.route(
        "**/contract-worker.js",
        lambda route: route.fulfill(path=HERE / "contract-worker.js", headers=WORKER_HEADERS),
    )
    page.goto(site_url + "site.json")
    order = {
        "backend": backend,
        "modules": {source.name: source.read_text() for source in SOURCES},
        "prompts": json.dumps(PROMPTS),
        "tokens": GREEDY_TOKENS,
    }
    report = page.evaluate(RUN, order)
    assert report["checks"].keys() == CHECKS.keys()
    assert {name: failure for name, failure in report["checks"].items() if failure} == {}
    assert report["waiting"] == report["greedy"][0]
    assert report["greedy"] == [in_a_thread(native_ids(exact_pico, graph, prompt)) for prompt in PROMPTS]


async def native_ids(bundle: Path, graph: NativeGraph, prompt: list[int]) -> list[int]:
    backend = NativeBackend.load(bundle, graph=graph)
    return await greedy_ids(backend, prompt, GREEDY_TOKENS)
