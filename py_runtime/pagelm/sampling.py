"""From the candidates of one step to one token id.

In the order of Hugging Face transformers: penalties, what a constraint allows, temperature, top_k, top_p,
min_p, then a draw. Works on the K candidates that a backend returns, which is exact while at least top_k of
them are surely the greatest after the penalties; for the rest it says so and the engine brings the whole
vocabulary. Of equal logits the lower ids survive top_k. Knows nothing of models or text.
"""

from __future__ import annotations

import random
import secrets
from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from heapq import nlargest
from itertools import accumulate
from math import exp, inf, isfinite

from pagelm.backend import Candidates
from pagelm.errors import BackendError, GrammarError
from pagelm.penalties import Penalties
from pagelm.sampling_options import SamplingOptions
from pagelm.token_constraint import TokenConstraint
from pagelm.unlisted_tokens import is_draw_decided

_WIDER = (512, 8192)
"""How many of the greatest logits to look at where a constraint leaves too few candidates and lists none."""


class Sampler:
    """Draws the tokens of one reply.

    Args:
        options: How to choose.
        prompt_ids: Tokens before the reply; repetition_penalty counts them.
        constraint: Which tokens may come next, as if all others had no probability from the start.

    Attributes:
        seed: What the draws come from, given or fresh.
    """

    def __init__(
        self,
        options: SamplingOptions,
        prompt_ids: Sequence[int] = (),
        constraint: TokenConstraint | None = None,
    ) -> None:
        self.options = options
        self.seed = secrets.randbits(32) if options.seed is None else options.seed
        # Mersenne Twister: Python promises the same floats from the same integer seed on every platform and
        # version.
        self._draw = random.Random(self.seed).random
        self._penalties = Penalties(options, prompt_ids)
        self._constraint = constraint

    @property
    def finished(self) -> bool:
        """Whether the reply ends here, as nothing may follow."""
        return self._constraint is not None and self._constraint.finished

    def forced(self) -> Sequence[int]:
        """Tokens that have to come next, without a choice; mostly none. `accept` them all the same."""
        return self._constraint.forced() if self._constraint else ()

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
        constraint = self._binding_constraint()
        if constraint and (only := constraint.only) is not None:
            return only
        penalties = self._penalties
        if penalties.active and not all(map(isfinite, candidates.values)):
            raise _not_finite(next(value for value in candidates.values if not isfinite(value)))
        whole = len(candidates.ids) >= vocab_size
        adjusted = penalties.apply(candidates, whole_vocabulary=whole)
        if constraint:
            return self._choose_allowed(constraint, adjusted, 0 if whole else vocab_size)
        if not whole and self.needs_all_logits(len(adjusted.ids), vocab_size):
            return None
        return self.sample(adjusted)

    def choose_from_all(self, logits: Sequence[float]) -> int:
        """As `choose`, from all logits of the step, `[vocab_size]`.

        Raises:
            BackendError: The logits are not numbers.
            GrammarError: No token may come next.
        """
        constraint = self._binding_constraint()
        if constraint and (listed := constraint.listed()) is not None:
            return self.sample(self._in_order(listed, logits))
        adjusted = self._penalties.apply_to_all(logits) if self._penalties.active else logits
        if not constraint:
            count = 1 if self.options.temperature == 0 else self.options.top_k
            return self.sample(greatest_candidates(adjusted, count or len(adjusted)))
        for count in (*_WIDER, len(adjusted)):
            others = max(0, len(adjusted) - count)
            chosen = self._choose_allowed(constraint, greatest_candidates(adjusted, count), others)
            if chosen is not None:
                return chosen
        raise _stuck()

    def _binding_constraint(self) -> TokenConstraint | None:
        return None if self._constraint is None or self._constraint.free else self._constraint

    def _in_order(self, listed: Sequence[int], logits: Sequence[float]) -> Candidates:
        """The tokens that a constraint lists."""
        if not listed:
            raise _stuck()
        negated = sorted(
            (-self._penalties.adjust(token_id, logits[token_id]), token_id) for token_id in listed
        )
        return Candidates([-value for value, _ in negated], [token_id for _, token_id in negated])

    def _choose_allowed(self, constraint: TokenConstraint, candidates: Candidates, others: int) -> int | None:
        """Choose among the candidates that are allowed; None when the `others` may matter."""
        allowed = [
            (value, token_id)
            for value, token_id in zip(candidates.values, candidates.ids, strict=True)
            if constraint.allows(token_id)
        ]
        values = [value for value, _ in allowed]
        ceiling = candidates.values[-1] if candidates.values else inf
        if not is_draw_decided(values, ceiling=ceiling, unlisted=others, options=self.options):
            listed = constraint.listed()
            if listed is None or len(listed) > len(allowed):
                return None
        return self.sample(Candidates(values, [token_id for _, token_id in allowed])) if allowed else None

    def skip(self) -> None:
        """Pass over a choice that was made before; it costs the draw that it cost then."""
        if self.options.temperature and (self._constraint is None or self._constraint.only is None):
            self._draw()

    def accept(self, token_id: int) -> None:
        """The reply goes on with this token, whoever chose it."""
        self._penalties.accept(token_id)
        if self._constraint:
            self._constraint.accept(token_id)

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


def _stuck() -> GrammarError:
    return GrammarError(
        "no token of this model goes on with the answer",
        expected="tokens for every byte that the response format can ask for",
        remedy="Simplify the response format, or use a model whose vocabulary has all bytes.",
    )


def _not_finite(value: float) -> BackendError:
    return BackendError(
        f"the model computed logits of {value}",
        expected="finite numbers",
        remedy="Load the model again; if it stays, use another backend or export the bundle again.",
    )
