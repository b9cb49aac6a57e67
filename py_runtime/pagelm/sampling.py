"""From the candidates of one step to one token id.

In the order of Hugging Face transformers: penalties, temperature, top_k, top_p, min_p, then a draw. Works on
the K candidates that a backend returns, which is exact while at least top_k of them are surely the greatest
after the penalties; for the rest it says so and the engine brings the whole vocabulary. Of equal logits the
lower ids survive top_k. Knows nothing of models or text.
"""

from __future__ import annotations

import random
import secrets
from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from heapq import nlargest
from itertools import accumulate
from math import exp, isfinite

from pagelm.backend import Candidates
from pagelm.errors import BackendError
from pagelm.penalties import Penalties
from pagelm.sampling_options import SamplingOptions


class Sampler:
    """Draws the tokens of one reply.

    Args:
        options: How to choose.
        prompt_ids: Tokens before the reply; repetition_penalty counts them.

    Attributes:
        seed: What the draws come from, given or fresh.
    """

    def __init__(self, options: SamplingOptions, prompt_ids: Sequence[int] = ()) -> None:
        self.options = options
        self.seed = secrets.randbits(32) if options.seed is None else options.seed
        # Mersenne Twister: Python promises the same floats from the same integer seed on every platform and
        # version.
        self._draw = random.Random(self.seed).random
        self._penalties = Penalties(options, prompt_ids)

    def choose(self, candidates: Candidates, vocab_size: int) -> int | None:
        """Choose the next token from the greatest logits of a step.

        Args:
            candidates: Descending.
            vocab_size: How many logits there are in all.

        Returns:
            None when that takes more than these candidates: `choose_from_all` then does it.

        Raises:
            BackendError: The logits are not numbers.
        """
        penalties = self._penalties
        if penalties.active and not all(map(isfinite, candidates.values)):
            raise _not_finite(next(value for value in candidates.values if not isfinite(value)))
        whole = len(candidates.ids) >= vocab_size
        adjusted = penalties.apply(candidates, whole_vocabulary=whole)
        if not whole and self.needs_all_logits(len(adjusted.ids), vocab_size):
            return None
        return self.sample(adjusted)

    def choose_from_all(self, logits: Sequence[float]) -> int:
        """As `choose`, from all logits of the step, `[vocab_size]`."""
        adjusted = self._penalties.apply_to_all(logits) if self._penalties.active else logits
        count = 1 if self.options.temperature == 0 else self.options.top_k
        return self.sample(greatest_candidates(adjusted, count or len(adjusted)))

    def accept(self, token_id: int) -> None:
        """The reply goes on with this token, whoever chose it."""
        self._penalties.accept(token_id)

    def needs_all_logits(self, candidates: int, vocab_size: int) -> bool:
        """Whether `candidates` exact ones of `vocab_size` logits are too few for an exact draw."""
        if candidates >= vocab_size:
            return False
        if self.options.temperature == 0:
            return candidates < 1
        return not 1 <= self.options.top_k <= candidates

    def sample(self, candidates: Candidates) -> int:
        """Draw one of the candidates.

        Args:
            candidates: Descending, after the penalties. All of the vocabulary when `needs_all_logits`.

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


def greatest_candidates(logits: Sequence[float], count: int) -> Candidates:
    """The `count` greatest of the whole vocabulary: descending, equal logits by lower id. Slow: it looks at
    all of them."""
    if count < len(logits):
        ids = nlargest(count, range(len(logits)), key=logits.__getitem__)
    else:
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
