"""The rule: the same tokens, or near ties that are counted; everything else is refused by name."""

from __future__ import annotations

import math

import pytest

from pagelm.backend import Candidates
from pagelm_builder.errors import VerificationError
from pagelm_builder.verify.agreement import Agreement, ReferenceStep, compare
from pagelm_builder.verify.continuation import Continuation, Step
from pagelm_builder.verify.tolerance import Tolerance

DEVIATION = 2.0
REFERENCE = ReferenceStep(Candidates([10.0, 9.9, 4.0], [7, 3, 5]), DEVIATION)


def compared(*steps: Step, tolerance: float = 0.1, mean: float = 9.0) -> Agreement:
    return compare(
        "wasm",
        [Continuation((1, 2), steps)],
        [[REFERENCE] * len(steps)],
        tolerance=Tolerance(tolerance, mean),
        names=["Hello?"],
    )


def test_the_same_tokens_agree_and_the_largest_difference_is_kept() -> None:
    found = compared(Step((), (7, 3), (10.02, 9.9)), Step((7,), (7, 3), (9.9, 9.8)))
    assert (found.tokens, found.near_ties, found.deviation) == (2, 0, DEVIATION)
    assert found.difference_max == pytest.approx(0.1 / DEVIATION)
    assert found.difference_mean == pytest.approx((0.1 + 0.02) / 2 / DEVIATION)


def test_differences_that_are_each_allowed_are_refused_when_they_are_the_rule() -> None:
    steps = [Step((), (7, 3), (10.1, 9.9)), Step((7,), (7, 3), (10.1, 9.9))]
    assert compared(*steps, mean=0.051).tokens == 2
    with pytest.raises(VerificationError, match=r"graph wasm: logits differ by 0\.05 deviations on average"):
        compared(*steps, mean=0.049)


def test_a_near_tie_is_counted_and_what_follows_is_still_compared() -> None:
    assert compared(Step((), (3, 7), (9.95, 9.94)), Step((3,), (7, 3), (10.0, 9.9))).near_ties == 1
    with pytest.raises(VerificationError, match="token 2 after 'Hello\\?' is 5"):
        compared(Step((), (3, 7), (9.95, 9.94)), Step((3,), (5, 7), (4.0, 3.0)))


def test_a_token_that_is_clearly_behind_is_refused_with_what_was_measured() -> None:
    with pytest.raises(VerificationError) as refused:
        compared(Step((), (5, 7), (10.5, 10.0)))
    assert refused.value.problem == (
        "graph wasm: token 1 after 'Hello?' is 5, which is 3 deviations behind the reference's 7"
    )
    assert refused.value.expected == "7, or one at most 0.1 behind it"


def test_the_tolerance_is_a_share_of_the_deviation() -> None:
    swapped = Step((), (3, 7), (9.9, 9.9))
    assert compared(swapped, tolerance=0.051).near_ties == 1
    with pytest.raises(VerificationError, match="0\\.05 deviations behind"):
        compared(swapped, tolerance=0.049)


def test_a_token_that_is_no_candidate_is_refused() -> None:
    with pytest.raises(VerificationError, match="is 8, which is not among the reference's 3 best"):
        compared(Step((), (8, 7), (10.0, 9.0)))


@pytest.mark.parametrize("logit", [10.3, 9.7, math.nan, math.inf])
def test_the_same_token_with_another_logit_is_refused(logit: float) -> None:
    with pytest.raises(VerificationError, match="is 7 on both, but their logits differ by"):
        compared(Step((), (7, 3), (logit, 9.0)))
