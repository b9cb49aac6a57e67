"""What followed a prompt on some graph, step by step, and how it is read off what an instrumented page says.

It knows ids and logits; neither text nor where they were computed.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypedDict

from pagelm_builder.errors import VerificationError


class RecordedStep(TypedDict):
    """One run as `web/step-record.js` keeps it."""

    position: int
    inputIds: list[int]
    ids: list[int]
    logits: list[float]


@dataclass(frozen=True, slots=True)
class Step:
    """One prediction.

    Attributes:
        appended: What was run since the step before: nothing at the first, then mostly its likeliest token.
        ids: The two likeliest tokens, the likeliest first; one where the vocabulary has one.
        logits: Theirs.
    """

    appended: tuple[int, ...]
    ids: tuple[int, ...]
    logits: tuple[float, ...]

    @property
    def margin(self) -> float:
        """How far the likeliest token is ahead of the next; 0 where there is none."""
        return self.logits[0] - self.logits[1] if len(self.logits) > 1 else 0.0


@dataclass(frozen=True, slots=True)
class Continuation:
    """A prompt and the steps after it, at least one."""

    prompt_ids: tuple[int, ...]
    steps: tuple[Step, ...]

    def greedy(self) -> tuple[Step, ...]:
        """The steps for as long as each ran the likeliest token of the one before."""
        end = 1
        while end < len(self.steps) and self.steps[end].appended == self.steps[end - 1].ids[:1]:
            end += 1
        return self.steps[:end]


def read_continuation(
    cached: Sequence[int], recorded: Sequence[RecordedStep], prompt_ids: Sequence[int], what: str
) -> Continuation:
    """Read one reply's runs.

    Args:
        cached: What the page's cache held before them.
        recorded: The runs: the prompt, as far as it was not cached, in pieces, then what followed.
        prompt_ids: The prompt, as CPython encodes it.
        what: For messages: which graph and prompt this is.

    Raises:
        VerificationError: the page ran another prompt.
    """
    tokens: list[int] = list(cached)
    steps: list[Step] = []
    prompt = list(prompt_ids)
    for run in recorded:
        tokens[run["position"] :] = run["inputIds"]
        if steps or tokens == prompt:
            appended = tuple(run["inputIds"]) if steps else ()
            steps.append(Step(appended, tuple(map(int, run["ids"])), tuple(run["logits"])))
    if not steps:
        raise VerificationError(
            f"{what}: the page ran {tokens}",
            expected=f"a prompt of the ids {prompt}",
            remedy="Report it with this message: Pyodide and CPython encode a chat differently.",
        )
    return Continuation(tuple(prompt_ids), tuple(steps))


def cached_after(cached: Sequence[int], recorded: Sequence[RecordedStep]) -> list[int]:
    """What the page's cache holds after some runs."""
    tokens = list(cached)
    for run in recorded:
        tokens[run["position"] :] = run["inputIds"]
    return tokens
