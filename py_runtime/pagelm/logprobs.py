"""Log probabilities of a step, over the whole vocabulary: what the model says, before any sampling option.

As OpenAI's `logprobs` and `top_logprobs`; natural logarithms. Needs all logits, which is slow on the web:
only who asks for it pays. Knows no text.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import exp, log

from pagelm.errors import SamplingError
from pagelm.sampling import greatest_candidates

MAX_TOP_LOGPROBS = 20


@dataclass(frozen=True, slots=True)
class StepLogprobs:
    """What the model thought of one token and of the likeliest in its place.

    Attributes:
        logprob: Of the token that was chosen.
        top: The likeliest token ids and their log probabilities, descending.
    """

    logprob: float
    top: tuple[tuple[int, float], ...]


def step_logprobs(logits: Sequence[float], token_id: int, top: int) -> StepLogprobs:
    """Log-softmax of one step at the chosen token and at the `top` greatest.

    Args:
        logits: Of the whole vocabulary, `[vocab_size]`.
        token_id: The chosen one.
        top: 0 to `MAX_TOP_LOGPROBS`.
    """
    greatest = max(logits)
    normalizer = greatest + log(sum(exp(logit - greatest) for logit in logits))
    best = greatest_candidates(logits, top)
    tops = tuple((best_id, value - normalizer) for best_id, value in zip(best.ids, best.values, strict=True))
    return StepLogprobs(logits[token_id] - normalizer, tops)


def check_top_logprobs(top: int | None) -> None:
    """Raise SamplingError unless so many may be asked for."""
    if top is not None and not 0 <= top <= MAX_TOP_LOGPROBS:
        raise SamplingError(
            f"top_logprobs is {top}",
            expected=f"0 to {MAX_TOP_LOGPROBS}",
            remedy="Change top_logprobs; leave it out to have no log probabilities.",
        )
