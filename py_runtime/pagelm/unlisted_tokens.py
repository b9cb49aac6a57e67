"""Whether a draw is decided although some of the allowed tokens are not at hand.

Of K candidates a constraint lets few through; others that it allows are further down, each at most as likely
as the last candidate. Mostly that is so little that top_p, or min_p, leaves all of them out whatever their
logits are: then the draw among those at hand is the draw among all. Knows no tokens, only numbers.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence
from itertools import accumulate
from math import exp, isfinite

from pagelm.sampling_options import SamplingOptions


def is_draw_decided(
    values: Sequence[float], *, ceiling: float, unlisted: int, options: SamplingOptions
) -> bool:
    """Whether tokens that are not at hand cannot change the draw.

    Args:
        values: Logits of the allowed tokens at hand, after the penalties, descending: the greatest there are.
        ceiling: No other allowed token has a greater logit.
        unlisted: Most other allowed tokens that there can be.
        options: How to draw.
    """
    if not unlisted:
        return True
    if not values:
        return False
    if options.temperature == 0 or not isfinite(values[0]):  # what is no number is refused by the draw
        return True
    if options.top_k:
        unlisted = min(unlisted, options.top_k - len(values))
        if unlisted <= 0:
            return True
    weights = [exp((value - values[0]) / options.temperature) for value in values]
    greatest_unlisted = exp((ceiling - values[0]) / options.temperature)
    cumulative = list(accumulate(weights))
    fewest = bisect_left(cumulative, options.top_p * cumulative[-1]) + 1
    most = bisect_left(cumulative, options.top_p * (cumulative[-1] + unlisted * greatest_unlisted)) + 1
    if options.top_p >= 1.0:
        fewest = most = len(weights) + 1
    if greatest_unlisted < options.min_p:
        likely = sum(weight >= options.min_p for weight in weights)
        fewest, most = min(fewest, likely), min(most, likely)
    return fewest == most <= len(weights)
