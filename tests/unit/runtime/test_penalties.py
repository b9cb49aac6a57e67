"""pagelm.penalties: how much of the adjusted candidates is surely right without the other logits."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from pagelm.backend import Candidates
from pagelm.penalties import Penalties
from pagelm.sampling_options import SamplingOptions

THREE = Candidates([4.0, 2.0, 1.0], [5, 6, 7])


def adjusted(
    options: SamplingOptions, *, prompt: Sequence[int] = (), said: Sequence[int] = ()
) -> list[tuple[int, float]]:
    penalties = Penalties(options, prompt)
    for token_id in said:
        penalties.accept(token_id)
    result = penalties.apply(THREE, whole_vocabulary=False)
    return list(zip(result.ids, result.values, strict=True))


def test_without_penalties_the_candidates_stay_as_they_are() -> None:
    assert Penalties(SamplingOptions(), [5]).apply(THREE, whole_vocabulary=False) is THREE


def test_repetition_counts_prompt_and_reply_and_divides_or_multiplies() -> None:
    whole = Candidates([4.0, 2.0, -1.0], [5, 6, 7])
    penalties = Penalties(SamplingOptions(repetition_penalty=2.0), [5])
    penalties.accept(7)
    result = penalties.apply(whole, whole_vocabulary=True)
    assert (list(result.ids), list(result.values)) == ([5, 6, 7], [2.0, 2.0, -2.0])


def test_presence_and_frequency_count_the_reply_alone() -> None:
    options = SamplingOptions(presence_penalty=0.5, frequency_penalty=0.25)
    assert adjusted(options, prompt=[6], said=[5, 5]) == [(5, 3.0), (6, 2.0), (7, 1.0)]


def test_bias_comes_before_repetition() -> None:
    options = SamplingOptions(logit_bias={6: -1.5}, repetition_penalty=2.0)
    penalties = Penalties(options, [6])
    result = penalties.apply(THREE, whole_vocabulary=True)
    assert dict(zip(result.ids, result.values, strict=True))[6] == 0.25


def test_what_falls_below_the_last_candidate_is_not_exact() -> None:
    assert adjusted(SamplingOptions(presence_penalty=3.5), said=[5]) == [(6, 2.0), (7, 1.0)]


def test_what_falls_to_the_last_candidate_is_not_exact_either() -> None:
    """Another token may have that very logit, and a lower id."""
    assert adjusted(SamplingOptions(presence_penalty=3.0), said=[5]) == [(6, 2.0)]


def test_all_penalized_leaves_nothing_exact() -> None:
    assert adjusted(SamplingOptions(frequency_penalty=10.0), said=[5, 6, 7]) == []


@pytest.mark.parametrize(
    ("options", "said", "exact"),
    [
        (SamplingOptions(logit_bias={90: 2.0}), [], [5]),
        (SamplingOptions(presence_penalty=-2.0), [90], [5]),
        (SamplingOptions(repetition_penalty=0.25), [90], []),
    ],
)
def test_a_token_that_is_lifted_may_pass_candidates(
    options: SamplingOptions, said: list[int], exact: list[int]
) -> None:
    """Token 90 is no candidate: its logit is at most 1, so 3, 3 and 4 after the lift."""
    assert [token_id for token_id, _ in adjusted(options, said=said)] == exact


def test_a_candidate_that_is_lifted_passes_others() -> None:
    assert adjusted(SamplingOptions(logit_bias={7: 5.0})) == [(7, 6.0), (5, 4.0), (6, 2.0)]


def test_all_logits_are_adjusted_by_token() -> None:
    penalties = Penalties(SamplingOptions(logit_bias={2: -1.0}, presence_penalty=1.0))
    penalties.accept(0)
    assert penalties.apply_to_all([1.0, 2.0, 3.0]) == [0.0, 2.0, 2.0]
