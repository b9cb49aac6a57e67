"""The Backend contract on the web backend: Pyodide in a module worker, on WASM and on real WebGPU."""

from __future__ import annotations

from pathlib import Path

import pytest
from playwright.sync_api import Page

from contract.backend_contract import CHECKS

HERE = Path(__file__).parent
SOURCES = (HERE / "web_contract.py", HERE.parent / "contract" / "backend_contract.py")

# An isolated page refuses a worker that is not isolated itself.
WORKER_HEADERS = {"content-type": "text/javascript", "cross-origin-embedder-policy": "require-corp"}

RUN = """async ({ backend, modules }) => {
  const at = (path) => new URL(path, document.baseURI).href;
  const worker = new Worker(at("contract-worker.js"), { type: "module" });
  try {
    return await new Promise((resolve, reject) => {
      worker.onmessage = ({ data }) => resolve(data.results);
      worker.onerror = (event) => reject(new Error(event.message || "the worker did not start"));
      worker.postMessage({ backend, bundleUrl: at("models/pico/"), modules });
    });
  } finally {
    worker.terminate();
  }
}"""


@pytest.mark.parametrize("backend", ["wasm", "webgpu"])
def test_web_backend_keeps_the_contract(page: Page, site_url: str, backend: str) -> None:
    page.context.route(
        "**/contract-worker.js",
        lambda route: route.fulfill(path=HERE / "contract-worker.js", headers=WORKER_HEADERS),
    )
    page.goto(site_url + "site.json")
    modules = {source.name: source.read_text() for source in SOURCES}
    results = page.evaluate(RUN, {"backend": backend, "modules": modules})
    assert results.keys() == CHECKS.keys()
    assert {name: failure for name, failure in results.items() if failure} == {}
