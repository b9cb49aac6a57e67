"""From the candidates of one step to one token id.

In the order of Hugging Face transformers: temperature, top_k, top_p, min_p, then a draw. Works on the K
candidates that a backend returns, which is exact as long as 1 <= top_k <= K; for the rest it says so
(`needs_all_logits`) and the engine brings the whole vocabulary. Of equal logits the lower ids survive top_k.
Knows nothing of models or text.
"""

from __future__ import annotations

import random
import secrets
from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate
from math import exp, isfinite

from pagelm.backend import Candidates
from pagelm.errors import BackendError, SamplingError

MAX_SEED = 2**53 - 1
"""The greatest seed: the greatest integer that a JavaScript number holds exactly."""


@dataclass(frozen=True, slots=True)
class SamplingOptions:
    """How to choose the next token.

    Attributes:
        temperature: Divides the logits; 0 is greedy and ignores the rest.
        top_k: Keep the k greatest; 0 keeps all.
        top_p: Keep the fewest whose probabilities add up to this; 1 keeps all.
        min_p: Keep those at least this share of the greatest probability; 0 keeps all.
        seed: The same seed draws the same tokens everywhere; None takes a fresh one.

    Raises:
        SamplingError: An option is outside its range; the message names it.
    """

    temperature: float = 0.6
    top_k: int = 20
    top_p: float = 0.95
    min_p: float = 0.0
    seed: int | None = None

    def __post_init__(self) -> None:
        _check_number(
            "temperature", self.temperature, 0.0, 100.0, "0 is greedy, 0.6 to 0.7 is what Qwen3 is made for"
        )
        _check_integer("top_k", self.top_k, 0, 2**31 - 1, "0 keeps the whole vocabulary, 20 is Qwen3's own")
        _check_number("top_p", self.top_p, 0.0, 1.0, "1 keeps all, 0.8 to 0.95 is what Qwen3 is made for")
        _check_number("min_p", self.min_p, 0.0, 1.0, "0 keeps all")
        if self.seed is not None:
            _check_integer("seed", self.seed, 0, MAX_SEED, "leave it out for a fresh one")


def _check_number(name: str, value: object, low: float, high: float, hint: str) -> None:
    if isinstance(value, bool) or not isinstance(value, int | float) or not low <= value <= high:
        raise SamplingError(
            f"{name} is {value!r}",
            expected=f"a number from {low:g} to {high:g}",
            remedy=f"Change {name}: {hint}.",
        )


def _check_integer(name: str, value: object, low: int, high: int, hint: str) -> None:
    if isinstance(value, bool) or not isinstance(value, int) or not low <= value <= high:
        raise SamplingError(
            f"{name} is {value!r}",
            expected=f"an integer from {low} to {high}",
            remedy=f"Change {name}: {hint}.",
        )


class Sampler:
    """Draws tokens for one reply.

    Args:
        options: How to choose.

    Attributes:
        seed: What the draws come from, given or fresh.
    """

    def __init__(self, options: SamplingOptions) -> None:
        self.options = options
        self.seed = secrets.randbits(32) if options.seed is None else options.seed
        # Mersenne Twister: Python promises the same floats from the same integer seed on every platform and
        # version.
        self._draw = random.Random(self.seed).random

    def needs_all_logits(self, candidates: int, vocab_size: int) -> bool:
        """Whether `candidates` of `vocab_size` logits are too few for an exact draw."""
        if self.options.temperature == 0 or candidates >= vocab_size:
            return False
        return not 1 <= self.options.top_k <= candidates

    def sample(self, candidates: Candidates) -> int:
        """Choose one of the candidates.

        Args:
            candidates: Descending. All of the vocabulary when `needs_all_logits`.

        Raises:
            BackendError: The logits are not numbers.
        """
        values, ids = candidates.values, candidates.ids
        if self.options.temperature == 0:
            if not isfinite(values[0]):
                raise _not_finite(values[0])
            return ids[0]
        cumulative = surviving_weights(values, self.options)
        drawn = bisect_right(cumulative, self._draw() * cumulative[-1])
        return ids[min(drawn, len(cumulative) - 1)]


def surviving_weights(values: Sequence[float], options: SamplingOptions) -> list[float]:
    """Running sums of the unnormalized probabilities that survive top_k, top_p and min_p.

    Args:
        values: Logits, descending.
        options: With a temperature above 0.

    Returns:
        As many numbers as tokens survive, ascending; the first is 1 because the greatest logit is the unit.

    Raises:
        BackendError: The logits are not numbers.
    """
    greatest = values[0]
    temperature = options.temperature
    kept = values[: options.top_k] if options.top_k else values
    weights = [exp((value - greatest) / temperature) for value in kept]
    cumulative = list(accumulate(weights))
    total = cumulative[-1]
    if not total >= 1.0:  # NaN compares false; infinities make NaN
        raise _not_finite(greatest)
    survivors = len(weights)
    if options.top_p < 1.0:
        survivors = min(survivors, bisect_left(cumulative, options.top_p * total) + 1)
    if options.min_p > 0.0:
        survivors = min(survivors, bisect_right(weights, -options.min_p, key=_negated))
    return cumulative[:survivors]


def all_candidates(logits: Sequence[float]) -> Candidates:
    """The whole vocabulary as candidates: descending, equal logits by lower id. The slow path: it sorts."""
    ids = sorted(range(len(logits)), key=logits.__getitem__, reverse=True)
    return Candidates([logits[token_id] for token_id in ids], ids)


def _negated(weight: float) -> float:
    return -weight


def _not_finite(value: float) -> BackendError:
    return BackendError(
        f"the model computed logits of {value}",
        expected="finite numbers",
        remedy="Load the model again; if it stays, use another backend or export the bundle again.",
    )
