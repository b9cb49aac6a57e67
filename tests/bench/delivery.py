"""What delivery costs: a cold load beside the simplest code, and the page from the store to ready.

`python -m bench.delivery SITE` prints Markdown. Rounds alternate, each in a browser profile of its own.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from playwright.sync_api import Browser, Page

from bench.in_browser import time_to_ready
from bench.report import say, table
from bench.workload import median
from pagelm_builder.verify.chromium import open_chromium
from pagelm_builder.verify.served_site import serve_site

ROUNDS = 5
VISITS = 5

STORE = """async (bundle) => {
  const at = (path) => new URL(path, document.baseURI).href;
  const { openBundle } = await import(at("bundle-store.js"));
  const started = performance.now();
  const opened = await openBundle(at(bundle));
  await opened.fetchAll(opened.graph("wasm"), { onProgress: () => {}, signal: new AbortController().signal });
  return performance.now() - started;
}"""
# The same bytes to the same file system, unhashed, unresumable.
SIMPLEST = """async ({ addresses, parallel }) => {
  const started = performance.now();
  const folder = await navigator.storage.getDirectory();
  const keep = async (address, index) => {
    const file = await folder.getFileHandle(`file-${index}`, { create: true });
    await (await fetch(address)).body.pipeTo(await file.createWritable());
  };
  if (parallel) await Promise.all(addresses.map(keep));
  else for (const [index, address] of addresses.entries()) await keep(address, index);
  return performance.now() - started;
}"""


def main(site: Path) -> None:
    with open_chromium() as browser, serve_site(site) as url:
        bundle = f"models/{json.loads((site / 'site.json').read_text())['default_model']}"
        files = fetched_files(site / bundle)
        size = sum((site / bundle / file).stat().st_size for file in files)
        print(f"{size / 1e6:.0f} MB on {os.cpu_count()} cores, Chromium {browser.version}, `pagelm serve`\n")
        print(cold_table(browser, url, bundle, [f"{url}{bundle}/{file}" for file in files]))
        print(ready_table(browser, url))


def fetched_files(bundle: Path) -> list[str]:
    """What a load of the `wasm` graph fetches."""
    manifest = json.loads((bundle / "manifest.json").read_text())
    graph = manifest["graphs"]["wasm"]
    return [graph["file"], *(part["file"] for part in manifest["weights"]["parts"])]


def cold_table(browser: Browser, url: str, bundle: str, addresses: list[str]) -> str:
    ways = {
        "pagelm's store": lambda page: page.evaluate(STORE, bundle),
        "simplest, one by one": lambda page: page.evaluate(
            SIMPLEST, {"addresses": addresses, "parallel": False}
        ),
        "simplest, all at once": lambda page: page.evaluate(
            SIMPLEST, {"addresses": addresses, "parallel": True}
        ),
    }
    times: dict[str, list[float]] = {name: [] for name in ways}
    for number in range(ROUNDS):
        for name, way in ways.items():
            say(f"cold load {number + 1} of {ROUNDS}: {name}")
            with open_page(browser) as page:
                page.goto(f"{url}site.json")
                times[name].append(way(page) / 1000)
    store = median(times["pagelm's store"])
    rows = [
        (
            name,
            f"{median(seconds):.2f} s",
            f"{min(seconds):.2f} to {max(seconds):.2f} s",
            f"{store / median(seconds):.2f}",
        )
        for name, seconds in times.items()
    ]
    return table("Cold load into OPFS", ("", "median", "range", "store in relation to it"), rows)


def ready_table(browser: Browser, url: str) -> str:
    with open_page(browser) as page:
        say("visits")
        address = f"{url}?backend=wasm"
        first = time_to_ready(page, address)
        later = [time_to_ready(page, address) for _ in range(VISITS)]
    rows = [("first", f"{first / 1000:.1f} s"), ("later, median", f"{median(later) / 1000:.1f} s")]
    return table("From opening the page to ready (WASM)", ("visit", ""), rows)


@contextmanager
def open_page(browser: Browser) -> Iterator[Page]:
    context = browser.new_context()
    page = context.new_page()
    page.set_default_timeout(300_000)
    yield page
    context.close()


if __name__ == "__main__":
    main(Path(sys.argv[1]))
