"""One graph of a bundle in Chromium, in the page's own worker, asked every prompt.

The page chooses a graph by what the adapter can do; here its manifest names one graph, so that this one runs
or none. It drives the page's client and reads what its instruments say; it compares nothing.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from playwright.sync_api import Browser, Page, Route
from playwright.sync_api import Error as PlaywrightError

from pagelm_builder.errors import BrowserError, VerificationError
from pagelm_builder.verify.continuation import Continuation, RecordedStep, cached_after, read_continuation
from pagelm_builder.verify.fusion import DecodeCosts, measure_decode_costs
from pagelm_builder.verify.model_client import GREEDY, ModelClient
from pagelm_builder.verify.prompts import Prompt

ADAPTER_FEATURES = """async () => {
  const adapter = await navigator.gpu?.requestAdapter({ powerPreference: "high-performance" });
  return adapter ? [...adapter.features] : null;
}"""
REMEDY = "Export the bundle again; if it stays, report it with this message."
# tokens of a reply whose dispatches are counted, after the one that the prompt itself gives
COUNTED_TOKENS = 8


@dataclass(frozen=True, slots=True)
class PageRun:
    """What a graph said in Chromium.

    Attributes:
        continuations: One for each prompt.
        adapter: What WebGPU calls the adapter; empty on WASM.
        costs: Of a decoded token, on WebGPU.
    """

    continuations: tuple[Continuation, ...]
    adapter: str
    costs: DecodeCosts | None


def adapter_features(browser: Browser, site_url: str) -> frozenset[str]:
    """Features of the adapter that the page would compute on.

    Raises:
        BrowserError: there is no adapter, or no page.
    """
    try:
        with _bare_page(browser, site_url) as page:
            features = page.evaluate(ADAPTER_FEATURES)
    except PlaywrightError as error:
        raise BrowserError(
            f"the page does not open in Chromium: {error.message.splitlines()[0]}",
            expected="a page of the site",
            remedy="Try another Chromium with --chromium PATH.",
        ) from error
    if features is None:
        raise BrowserError(
            "this Chromium offers no WebGPU adapter",
            expected="one, if only in software",
            remedy="Leave --gpu out, or use another Chromium with --chromium PATH.",
        )
    return frozenset(features)


def run_in_chromium(
    browser: Browser,
    site_url: str,
    graph: str,
    prompts: Sequence[Prompt],
    tokens: int,
    progress: Callable[[int, int], None],
) -> PageRun:
    """Load the site's model with one graph and let it answer every prompt, greedy.

    Args:
        tokens: Most steps after a prompt to keep.
        progress: Called with prompts done and prompts in all.

    Raises:
        VerificationError: the graph does not load, does not answer, or was given other ids.
    """
    backend = "wasm" if graph == "wasm" else "webgpu"
    with _bare_page(browser, site_url, graph) as page, _named_failures(graph):
        model = ModelClient.load(page, site_url, backend)
        progress(0, len(prompts))
        continuations, cached = [], list[int]()
        for prompt in prompts:
            recorded = _answer(model, prompt, tokens)
            what = f"graph {graph}: {prompt.text!r}"
            continuation = read_continuation(cached, recorded, prompt.input_ids, what)
            continuations.append(Continuation(continuation.prompt_ids, continuation.steps[:tokens]))
            cached = cached_after(cached, recorded)
            progress(len(continuations), len(prompts))
        costs = _costs(model, prompts) if backend == "webgpu" else None
        return PageRun(tuple(continuations), model.ready["backend"].get("adapter", ""), costs)


def _answer(model: ModelClient, prompt: Prompt, tokens: int) -> list[RecordedStep]:
    """The runs of one reply; it may have some more tokens than asked for, as a piece of text may be several.

    The reply has room for more, so that nothing of it is kept for an answer, and is stopped.
    """
    before = len(model.statistics()["steps"])
    model.reply(
        prompt.messages,
        enable_thinking=prompt.enable_thinking,
        sampling={**GREEDY, "maxNewTokens": 4 * tokens + 256},
        cancel_after_events=tokens,
    )
    steps: list[RecordedStep] = model.statistics()["steps"]
    return steps[before:]


def _costs(model: ModelClient, prompts: Sequence[Prompt]) -> DecodeCosts:
    """Of a prompt whose reply has more than one token; without thinking, which may be cut short.

    Raises:
        VerificationError: there is none.
    """
    for prompt in reversed(prompts):
        costs = measure_decode_costs(
            model, prompt.messages, enable_thinking=False, tokens=(1, 1 + COUNTED_TOKENS)
        )
        if costs is not None:
            return costs
    raise VerificationError(
        "every reply in Chromium is a single token, so that no decoded token can be counted",
        expected="a model that answers one of its examples",
        remedy="Give it other examples in the checkpoint's pagelm.json, and export it again.",
    )


@contextmanager
def _bare_page(browser: Browser, site_url: str, graph: str | None = None) -> Iterator[Page]:
    """A page of the site's origin in a context of its own; its manifests name `graph` alone."""

    def keep_one(route: Route) -> None:
        response = route.fetch()
        manifest: dict[str, Any] = response.json()
        manifest["graphs"] = {name: entry for name, entry in manifest["graphs"].items() if name == graph}
        route.fulfill(response=response, body=json.dumps(manifest))

    context = browser.new_context()
    try:
        if graph is not None:
            context.route("**/manifest.json", keep_one)
        page = context.new_page()
        page.goto(site_url + "site.json")
        yield page
    finally:
        context.close()


@contextmanager
def _named_failures(graph: str) -> Iterator[None]:
    try:
        yield
    except PlaywrightError as error:
        raise VerificationError(
            f"graph {graph}: it does not run in Chromium: {error.message.splitlines()[0]}",
            expected="a graph that loads and answers",
            remedy=REMEDY,
        ) from error
