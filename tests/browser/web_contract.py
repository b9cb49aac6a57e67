"""Runs in the page's Pyodide: the Backend contract on the web backend."""

from __future__ import annotations

import json
from collections.abc import Callable
from contextlib import closing
from typing import Any


async def run(make_decoder: Callable[[], Any], prompts_json: str, tokens: int) -> str:
    """As JSON: `checks`, name of each check → "" or its traceback; `greedy`, ids after each prompt;
    `waiting`, the first of these without asynchronous code."""
    from backend_contract import run_checks

    from pagelm._backend_web import WebBackend

    async def make_backend() -> WebBackend:
        return WebBackend(make_decoder())

    checks = await run_checks(make_backend)
    prompts = json.loads(prompts_json)
    greedy = [await greedy_ids(await make_backend(), ids, tokens) for ids in prompts]
    waiting = waiting_ids(await make_backend(), prompts[0], tokens)
    return json.dumps({"checks": checks, "greedy": greedy, "waiting": waiting})


def waiting_ids(backend: Any, input_ids: list[int], tokens: int) -> list[int]:
    """As `greedy_ids`, by an iterator that waits for each step; one that is left early first."""
    from pagelm.engine import Engine
    from pagelm.engine_steps import Token
    from pagelm.sampling_options import SamplingOptions
    from pagelm.waiting import iterate

    def steps() -> Any:
        greedy = SamplingOptions(temperature=0.0)
        return iterate(engine.generate(input_ids, sampling=greedy, eos_token_ids=(), max_new_tokens=tokens))

    engine = Engine(backend)
    with closing(steps()) as left_early:
        next(step for step in left_early if isinstance(step, Token))
    return [step.token_id for step in steps() if isinstance(step, Token)]


async def greedy_ids(backend: Any, input_ids: list[int], tokens: int) -> list[int]:
    """The `tokens` ids that follow, each the likeliest."""
    candidates = await backend.prefill(input_ids, 0)
    ids = [int(candidates.ids[0])]
    while len(ids) < tokens:
        candidates = await backend.decode(ids[-1])
        ids.append(int(candidates.ids[0]))
    return ids
