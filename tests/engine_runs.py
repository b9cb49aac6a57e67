"""Runs of the engine in tests: their steps, and what these say."""

from __future__ import annotations

from collections.abc import Sequence

from fakes import (
    VOCAB_SIZE,
    RecordingBackend,
    collect,
    run,
    successor,
)
from pagelm.engine import Engine
from pagelm.engine_steps import Cancellation, EngineStep, Finished, Prefilled, Token
from pagelm.sampling_options import SamplingOptions

GREEDY = SamplingOptions(temperature=0.0)
NEVER = frozenset({-1})


def counting(**options: int) -> RecordingBackend:
    return RecordingBackend(successor, vocab_size=VOCAB_SIZE, **options)


def generate(
    engine: Engine,
    prompt: Sequence[int],
    *,
    eos: Sequence[int] = (),
    limit: int | None = 3,
    sampling: SamplingOptions = GREEDY,
    cancellation: Cancellation | None = None,
) -> list[EngineStep]:
    return run(
        collect(
            engine.generate(
                prompt,
                sampling=sampling,
                eos_token_ids=frozenset(eos),
                max_new_tokens=limit,
                cancellation=cancellation,
            )
        )
    )


def tokens(steps: Sequence[EngineStep]) -> list[int]:
    return [step.token_id for step in steps if isinstance(step, Token)]


def prefilled(steps: Sequence[EngineStep]) -> Prefilled:
    [step] = [step for step in steps if isinstance(step, Prefilled)]
    return step


def reason(steps: Sequence[EngineStep]) -> str:
    assert isinstance(steps[-1], Finished)
    return steps[-1].finish_reason
