"""Replies of a real graph with guesses and without: in float32 they are the same."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from fakes import collect
from pagelm.engine import Engine
from pagelm.engine_steps import EngineStep, Finished, Token
from pagelm.manifest import load_manifest
from pagelm.sampling_options import SamplingOptions
from pagelm_builder.verify.reference import open_exact
from random_bundle import export_random_bundle

PROMPTS = [[(seed * 37 + place * place) % 288 for place in range(5 + seed)] for seed in range(12)]
SAMPLING = [SamplingOptions(temperature=0.0), SamplingOptions(temperature=0.05, seed=3)]


@pytest.fixture(scope="module")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return export_random_bundle(tmp_path_factory.mktemp("random"))


def said(steps: list[EngineStep]) -> list[int]:
    return [step.token_id for step in steps if isinstance(step, Token)]


async def answer(
    engine: Engine, prompt: list[int], sampling: SamplingOptions, prompt_lookup: bool
) -> tuple[list[int], int]:
    engine.backend.truncate(0)
    engine.cache.truncate(0)
    steps = await collect(
        engine.generate(
            prompt,
            sampling=sampling,
            eos_token_ids={-1},
            max_new_tokens=100,
            prompt_lookup=prompt_lookup,
        )
    )
    assert isinstance(steps[-1], Finished)
    return said(steps), steps[-1].steps


def test_replies_in_float32_are_the_same_in_fewer_steps(bundle: Path) -> None:
    with open_exact(bundle, load_manifest(bundle)) as backend:
        engine = Engine(backend)
        taken = {True: 0, False: 0}
        for prompt in PROMPTS:
            for sampling in SAMPLING:
                replies = {}
                for lookup in (True, False):
                    replies[lookup], steps = asyncio.run(answer(engine, prompt, sampling, lookup))
                    taken[lookup] += steps
                assert replies[True] == replies[False]
    assert taken[True] < 0.9 * taken[False]
