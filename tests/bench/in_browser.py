"""Startup, speed and WebGPU costs in headless Chromium, through the page's own client."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from time import perf_counter
from typing import Any

from playwright.sync_api import Browser, Page, Request

from bench.turns import TurnCost, measure_turns
from bench.workload import DECODED_TOKENS, RUNS, long_prompt, median
from browser.chat_page import ChatPage
from pagelm_builder.verify.chromium import open_chromium
from pagelm_builder.verify.fusion import DecodeCosts, measure_decode_costs
from pagelm_builder.verify.model_client import ModelClient
from pagelm_builder.verify.served_site import serve_site

BACKENDS = ("wasm", "webgpu")
VISITS = 3


@dataclass(frozen=True, slots=True)
class Startup:
    """From navigation to the backend's badge."""

    backend: str
    first_ms: float
    later_ms: float
    wire_bytes: int


@dataclass(frozen=True, slots=True)
class Speed:
    """Medians over runs with a prompt of some hundred tokens."""

    backend: str
    prefill_tokens_per_second: float
    decode_tokens_per_second: float


@dataclass(frozen=True, slots=True)
class BrowserFigures:
    chromium: str
    startups: list[Startup]
    speeds: list[Speed]
    decode_costs: DecodeCosts
    layers: int
    turns: list[TurnCost]


def measure_browser(dist: Path) -> BrowserFigures:
    with open_chromium() as browser, serve_site(dist) as site_url:
        startups = [measure_startup(browser, site_url, backend) for backend in BACKENDS]
        speeds, costs = [], None
        turns: list[TurnCost] = []
        for backend in BACKENDS:
            with open_page(browser) as page:
                model = ModelClient.load(page, site_url, backend)
                speeds.append(measure_speed(model))
                if backend == "wasm":
                    turns = measure_turns(model)
                if backend == "webgpu":
                    costs = measure_decode_costs(
                        model, long_prompt(1000), enable_thinking=True, tokens=(8, 8 + DECODED_TOKENS // 2)
                    )
        assert costs is not None
        return BrowserFigures(f"Chromium {browser.version}", startups, speeds, costs, layers_of(dist), turns)


@contextmanager
def open_page(browser: Browser) -> Iterator[Page]:
    context = browser.new_context(service_workers="block")
    page = context.new_page()
    page.set_default_timeout(300_000)
    yield page
    context.close()


def measure_startup(browser: Browser, site_url: str, backend: str) -> Startup:
    first, later, wire_bytes = [], [], 0
    for _ in range(VISITS):
        with open_page(browser) as page:
            received = count_bytes(page)
            first.append(time_to_ready(page, f"{site_url}?backend={backend}"))
            wire_bytes = received()
            later.append(time_to_ready(page, f"{site_url}?backend={backend}"))
    return Startup(backend, median(first), median(later), wire_bytes)


def time_to_ready(page: Page, address: str) -> float:
    started = perf_counter()
    page.goto(address)
    ChatPage(page).wait_until_ready()
    return (perf_counter() - started) * 1000


def count_bytes(page: Page) -> Callable[[], int]:
    """Start counting what the page and its worker receive; the result stops and tells."""
    finished: list[Request] = []

    def keep(request: Request) -> None:
        finished.append(request)

    page.context.on("requestfinished", keep)

    def received() -> int:
        page.context.remove_listener("requestfinished", keep)
        return sum(request.sizes()["responseBodySize"] for request in finished)

    return received


def measure_speed(model: ModelClient) -> Speed:
    prefill, decode = [], []
    for run in range(RUNS):
        usage = reply_usage(model, run, DECODED_TOKENS)
        prefill.append((usage["promptTokens"] - usage["cachedTokens"]) / usage["prefillMs"] * 1000)
        decode.append((usage["reasoningTokens"] + usage["answerTokens"]) / usage["decodeMs"] * 1000)
    return Speed(model.backend, median(prefill), median(decode))


def reply_usage(model: ModelClient, run: int, tokens: int) -> dict[str, Any]:
    sampling = {"temperature": 0, "maxNewTokens": tokens}
    prompt = long_prompt(run)
    return model.reply(prompt, enable_thinking=True, sampling=sampling, prompt_lookup=False).usage


def layers_of(dist: Path) -> int:
    manifest = json.loads((dist / "models" / "pico" / "manifest.json").read_text())
    layers: int = manifest["model"]["num_hidden_layers"]
    return layers
