"""Times pagelm's WASM backend and wllama on one checkpoint in one Chromium, and prints a Markdown table.

Takes a site with the checkpoint's bundle, the checkpoint, and the folder where npm put the peers. Each runs
alone, one after the other, on as many threads. wllama's times are llama.cpp's own; pagelm's are taken around
each step.
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
from browser.plain_host import serve_plainly
from pagelm_builder.verify.chromium import open_chromium

HERE = Path(__file__).parent
DECODED_TOKENS = 24
Json: TypeAlias = dict[str, Any]

RUN_PAGELM = """async (order) => {
  const worker = new Worker("/pagelm-worker.js", { type: "module" });
  const answer = await new Promise((resolve, reject) => {
    worker.onmessage = ({ data }) => (data.result ? resolve(data.result) : reject(new Error(data.failure)));
    worker.onerror = (event) => reject(new Error(event.message || "the worker did not start"));
    worker.postMessage({ ...order, bundleUrl: new URL(order.bundle, document.baseURI).href });
  });
  worker.terminate();
  return answer;
}"""
RUN_WLLAMA = """async (order) => (await import("/wllama.js")).run({ ...order, ggufUrl: "/model.gguf" })"""


# what threads need; no policy, which wllama's blob workers would break
ISOLATION = {"Cross-Origin-Opener-Policy": "same-origin", "Cross-Origin-Embedder-Policy": "require-corp"}


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench.peers", description=__doc__)
    parser.add_argument("site", type=Path)
    parser.add_argument("checkpoint", type=Path)
    parser.add_argument("peers", type=Path, help="node_modules with @wllama/wllama")
    parser.add_argument("--threads", type=int, nargs="+", default=[2, 1], metavar="N")
    parser.add_argument("--contexts", type=int, nargs="+", default=[64, 512, 2048], metavar="TOKENS")
    arguments = parser.parse_args()
    bundle = json.loads((arguments.site / "site.json").read_text())["models"][0]["path"]
    order = {"bundle": bundle, "contexts": arguments.contexts, "decodedTokens": DECODED_TOKENS}
    with (
        tempfile.TemporaryDirectory() as folder,
        serve_plainly(lay_out(Path(folder), arguments), ISOLATION) as address,
        open_chromium() as browser,
    ):
        print(f"Chromium {browser.version}, wllama {peer_version(arguments.peers)}\n")
        for threads in arguments.threads:
            print(table(threads, run_all(browser, address, order | {"threads": threads})), flush=True)


def run_all(browser: Browser, address: str, order: Json) -> dict[str, Json]:
    scripts = {"pagelm": RUN_PAGELM, "wllama": RUN_WLLAMA}
    results = {}
    for name, script in scripts.items():
        print(f"bench: {name} on {order['threads']} thread(s) …", file=sys.stderr, flush=True)
        results[name] = run_in_page(browser, address, script, order)
    return results


def lay_out(folder: Path, arguments: argparse.Namespace) -> Path:
    """The site, the peers and the bench's own files in one folder, as links."""
    for entry in arguments.site.resolve().iterdir():
        (folder / entry.name).symlink_to(entry)
    for name in ("pagelm-worker.js", "wllama.js"):
        (folder / name).symlink_to(HERE / name)
    (folder / "wllama").symlink_to((arguments.peers / "@wllama/wllama/esm").resolve())
    print("bench: writing the weights as GGUF …", file=sys.stderr, flush=True)
    write_gguf(arguments.checkpoint, folder / "model.gguf")
    return folder


def run_in_page(browser: Browser, address: str, script: str, order: Json) -> Json:
    context = browser.new_context()
    page = context.new_page()
    page.set_default_timeout(1_800_000)
    page.goto(f"{address}site.json")
    result: Json = page.evaluate(script, order)
    context.close()
    return result


def peer_version(peers: Path) -> str:
    version: str = json.loads((peers / "@wllama/wllama/package.json").read_text())["version"]
    return version


def table(threads: int, results: dict[str, Json]) -> str:
    pagelm, wllama = results["pagelm"], results["wllama"]
    lines = [
        f"### {threads} thread{'s' if threads > 1 else ''}, milliseconds a token\n",
        f"pagelm expanded its weights in {pagelm['expansion_ms'] / 1000:.1f} s "
        f"and made its session in {pagelm['session_ms'] / 1000:.1f} s.\n",
        "| | pagelm | wllama | pagelm / wllama |",
        "|---|---|---|---|",
    ]
    for kind in ("prefill_ms", "decode_ms"):
        for own, peer in zip(pagelm["figures"], wllama["figures"], strict=True):
            name = f"{kind.removesuffix('_ms')}, {own['context']:,} tokens of context"
            ratio = own[kind] / peer[kind]
            lines.append(f"| {name} | {own[kind]:.1f} | {peer[kind]:.1f} | {ratio:.2f} |")
    return "\n".join([*lines, ""])


if __name__ == "__main__":
    main()
