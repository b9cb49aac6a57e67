"""Times pagelm's WASM backend beside its peers on one checkpoint in one Chromium; prints a Markdown table.

Takes a site with the checkpoint's bundle, the checkpoint, and the folder where npm put the peers. Each runs
alone, one after the other, on as many threads. wllama's times are llama.cpp's own; the others' are taken
around each step. A peer's weights are written for it: Q4_0 as GGUF, int4 as `--layout transformers-js`.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from pathlib import Path
from typing import Any, TypeAlias

from playwright.sync_api import Browser

from bench.peers.gguf_checkpoint import write_gguf
from bench.peers.isolation import ISOLATION
from bench.peers.packages import PACKAGES, link_transformers_js, package_version
from bench.peers.peak_memory import peak_bytes
from bench.peers.table import OWN, table
from browser.plain_host import serve_plainly
from pagelm_builder.transformers_js.export import export_transformers_js
from pagelm_builder.verify.chromium import open_chromium

HERE = Path(__file__).parent
Json: TypeAlias = dict[str, Any]
PEERS = ("wllama", "transformers.js")
# decoded at each context; transformers.js takes a second or two for each
DECODED_TOKENS = {OWN: 24, "wllama": 24, "transformers.js": 6}
MODEL = "model"

RUN_WORKER = """async ([script, order]) => {
  const worker = new Worker(script, { type: "module" });
  const answer = await new Promise((resolve, reject) => {
    worker.onmessage = ({ data }) => (data.result ? resolve(data.result) : reject(new Error(data.failure)));
    worker.onerror = (event) => reject(new Error(event.message || "the worker did not start"));
    worker.postMessage({ ...order, bundleUrl: new URL(order.bundle, document.baseURI).href });
  });
  worker.terminate();
  return answer;
}"""
RUN_WLLAMA = """async ([script, order]) => (await import(script)).run({ ...order, ggufUrl: "/model.gguf" })"""
SCRIPTS = {
    OWN: (RUN_WORKER, "/pagelm-worker.js"),
    "wllama": (RUN_WLLAMA, "/wllama.js"),
    "transformers.js": (RUN_WORKER, "/transformers-worker.js"),
}


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench.peers", description=__doc__)
    parser.add_argument("site", type=Path)
    parser.add_argument("checkpoint", type=Path)
    parser.add_argument("packages", type=Path, help="node_modules with the peers' packages")
    parser.add_argument(
        "--peers", nargs="*", choices=PEERS, default=PEERS, metavar="NAME", help="default: all"
    )
    parser.add_argument("--threads", type=int, default=2, metavar="N", help="default: 2")
    parser.add_argument("--contexts", type=int, nargs="+", default=[64, 512, 2048], metavar="TOKENS")
    parser.add_argument(
        "--patience",
        type=int,
        default=240,
        metavar="SECONDS",
        help="leave out a context whose prefill would take longer, at the last one's pace (default: 240)",
    )
    arguments = parser.parse_args()
    order = {
        "bundle": json.loads((arguments.site / "site.json").read_text())["models"][0]["path"],
        "model": MODEL,
        "contexts": sorted(arguments.contexts),
        "patience_ms": arguments.patience * 1000,
        "threads": arguments.threads,
    }
    with (
        tempfile.TemporaryDirectory() as folder,
        serve_plainly(lay_out(Path(folder), arguments), ISOLATION) as address,
        open_chromium() as browser,
    ):
        versions = [f"{name} {package_version(arguments.packages, name)}" for name in arguments.peers]
        print(f"{', '.join([f'Chromium {browser.version}', *versions])}\n")
        results = {name: run(browser, address, name, order) for name in (OWN, *arguments.peers)}
        print(table(arguments.threads, results))


def run(browser: Browser, address: str, name: str, order: Json) -> Json:
    say(f"{name} on {order['threads']} thread(s)")
    script, path = SCRIPTS[name]
    return run_in_page(browser, address, script, [path, order | {"decodedTokens": DECODED_TOKENS[name]}])


def say(what: str) -> None:
    print(f"bench: {what} …", file=sys.stderr, flush=True)


def lay_out(folder: Path, arguments: argparse.Namespace) -> Path:
    """The site, the peers with their weights, and the bench's own files in one folder, mostly as links."""
    for entry in (*arguments.site.resolve().iterdir(), *HERE.glob("*.js")):
        (folder / entry.name).symlink_to(entry)
    if "wllama" in arguments.peers:
        (folder / "wllama").symlink_to((arguments.packages / PACKAGES["wllama"] / "esm").resolve())
        say("writing the weights as GGUF")
        write_gguf(arguments.checkpoint, folder / "model.gguf")
    if "transformers.js" in arguments.peers:
        link_transformers_js(folder, arguments.packages)
        say("writing the weights for transformers.js")
        # beside the site's own models, which are a link
        export_transformers_js(arguments.checkpoint, folder / "peer-models" / MODEL)
    return folder


def run_in_page(browser: Browser, address: str, script: str, parameters: list[Any]) -> Json:
    context = browser.new_context()
    page = context.new_page()
    page.set_default_timeout(1_800_000)
    page.goto(f"{address}site.json")
    result: Json = page.evaluate(script, parameters)
    result["peak_bytes"] = peak_bytes(browser)
    context.close()
    return result


if __name__ == "__main__":
    main()
