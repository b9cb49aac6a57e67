"""The same workload on CPython's onnxruntime."""

from __future__ import annotations

import asyncio
from pathlib import Path

from bench.in_browser import Speed
from bench.workload import RUNS, long_prompt, median
from pagelm import Done, LanguageModel, SamplingOptions


def measure_native(bundle: Path) -> Speed:
    return asyncio.run(_measure(bundle))


async def _measure(bundle: Path) -> Speed:
    model = await LanguageModel.load(bundle)
    prefill, decode = [], []
    for run in range(RUNS):
        greedy = SamplingOptions(temperature=0)
        async for event in model.reply(long_prompt(run), sampling=greedy, prompt_lookup=False):
            if isinstance(event, Done):
                prefill.append(event.usage.prefill_tokens_per_second)
                decode.append(event.usage.decode_tokens_per_second)
    return Speed("native", median(prefill), median(decode))
