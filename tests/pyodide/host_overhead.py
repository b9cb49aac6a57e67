"""What a token costs beside the arithmetic: the whole Python path on a scripted backend.

    python -m tests.pyodide.host_overhead

prints one JSON line for Pyodide under Node and one for this Python. The path is that of a page's token:
engine, sampler, detokenizer, thinking splitter, JSON, post. No test: a figure for `make bench`.
"""

from __future__ import annotations

import asyncio
import json
import sys
import tempfile
from itertools import chain, pairwise
from pathlib import Path
from statistics import median
from time import perf_counter

TOKENS = 400
ROUNDS = 7
REPLY = "<think>\nSeventeen and twenty-five: 7 + 5 = 12, carry 1.\n</think>\n\nThe sum is **42**. "


async def measure_host_overhead() -> dict[str, float | str]:
    """Time from one post to the next: median over all, and median of the best of `ROUNDS` replies.

    Sampled with Qwen3's own options (top_k 20 of 64). A median of single tokens, since a busy machine
    stretches few of them much rather than all of them a little.
    """
    from fakes import VOCAB_SIZE, model_on, reply_ids
    from pagelm.page_session import PageSession
    from pagelm.scripted import ScriptedBackend

    script = (reply_ids(REPLY)[:-1] * TOKENS)[:TOKENS]
    backend = ScriptedBackend.playing([script] * ROUNDS, vocab_size=VOCAB_SIZE, max_positions=4 * TOKENS)
    posted: list[float] = []
    last: list[str] = []

    def post(kind: str, id: int, payload: str) -> None:
        posted.append(perf_counter())
        last[:] = [payload]

    session = PageSession(model_on(backend), post)
    request = {
        "messages": [{"role": "user", "content": "What is 17 + 25?"}],
        "enableThinking": True,
        "sampling": {"seed": 1, "maxNewTokens": TOKENS},
    }
    rounds = []
    for id in range(ROUNDS):
        posted.clear()
        await session.generate(id, json.dumps(request))
        rounds.append([(after - before) * 1000 for before, after in pairwise(posted)])
        if json.loads(last[0]).get("finishReason") != "length":
            raise RuntimeError(f"the reply ended otherwise: {last[0]}")
    return {
        "python": sys.version.split()[0],
        "platform": sys.platform,
        "tokens": sum(map(len, rounds)),
        "median_ms_per_token": round(median(chain(*rounds)), 4),
        "best_ms_per_token": round(min(map(median, rounds)), 4),
    }


async def main() -> str:
    """Entry for `run.mjs`."""
    return json.dumps(await measure_host_overhead())


if __name__ == "__main__":
    sys.path.append(str(Path(__file__).parents[1]))
    from pyodide_runner import run_in_pyodide

    with tempfile.TemporaryDirectory() as scratch:
        print(json.dumps(run_in_pyodide("host_overhead", Path(scratch))))
    print(json.dumps(asyncio.run(measure_host_overhead())))
