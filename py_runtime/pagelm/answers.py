"""Several answers to one prompt, each from a seed of its own, whole.

They come one after the other: the cache then holds the prompt, so that only the first pays for reading it.
Knows no engine and no template.
"""

from __future__ import annotations

import secrets
from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from pagelm.engine_steps import FinishReason
from pagelm.errors import SamplingError
from pagelm.events import Done, Event, ReasoningDelta, TextDelta, Usage
from pagelm.sampling_options import MAX_SEED, SamplingOptions

if TYPE_CHECKING:
    from pagelm.chat import Chat


@dataclass(frozen=True, slots=True)
class Answer:
    """What a reply came to.

    Attributes:
        text: The answer.
        reasoning: What the model thought before; "" if nothing.
        finish_reason: As of `Done`.
        usage: What it took, and the seed that it came from.
    """

    text: str
    reasoning: str
    finish_reason: FinishReason
    usage: Usage


@dataclass(frozen=True, slots=True)
class ChatAnswer(Answer):
    """An answer that a chat can keep.

    Attributes:
        chat: The conversation as it goes on with this answer, a branch of the one that was asked.
    """

    chat: Chat = field(repr=False, compare=False)


async def collect_answer(events: AsyncGenerator[Event, None]) -> Answer:
    """All of a reply, as one value."""
    text, reasoning = "", ""
    async with aclosing(events):
        async for event in events:
            match event:
                case TextDelta(piece):
                    text += piece
                case ReasoningDelta(piece):
                    reasoning += piece
                case Done(finish_reason, usage):
                    return Answer(text, reasoning, finish_reason, usage)
                case _:
                    pass
    raise AssertionError("a reply ends with Done")


def seeded_options(sampling: SamplingOptions, n: int) -> list[SamplingOptions]:
    """The options of n answers: with `seed`, `seed + 1`, …, from a fresh one where none is given.

    Raises:
        SamplingError: n is below 1, or the last seed would be too great.
    """
    first = secrets.randbits(32) if sampling.seed is None else sampling.seed
    if n < 1:
        raise SamplingError(f"n is {n}", expected="at least 1 answer", remedy="Change n.")
    if first + n - 1 > MAX_SEED:
        raise SamplingError(
            f"the last of {n} seeds from {first} on is {first + n - 1}",
            expected=f"at most {MAX_SEED}",
            remedy="Begin with a smaller seed.",
        )
    return [replace(sampling, seed=first + index) for index in range(n)]
