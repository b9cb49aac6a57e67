"""Runs in the page's Pyodide: the Backend contract on the web backend."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any


async def run(make_decoder: Callable[[], Any], prompts_json: str, tokens: int) -> str:
    """As JSON: `checks`, name of each check → "" or its traceback; `greedy`, ids after each prompt."""
    from backend_contract import run_checks

    from pagelm._backend_web import WebBackend

    async def make_backend() -> WebBackend:
        return WebBackend(make_decoder())

    checks = await run_checks(make_backend)
    greedy = [await greedy_ids(await make_backend(), ids, tokens) for ids in json.loads(prompts_json)]
    return json.dumps({"checks": checks, "greedy": greedy})


async def greedy_ids(backend: Any, input_ids: list[int], tokens: int) -> list[int]:
    """The `tokens` ids that follow, each the likeliest."""
    candidates = await backend.prefill(input_ids, 0)
    ids = [int(candidates.ids[0])]
    while len(ids) < tokens:
        candidates = await backend.decode(ids[-1])
        ids.append(int(candidates.ids[0]))
    return ids
