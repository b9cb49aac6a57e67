"""pagelm.sampling by hand-computed distributions; tests/parity holds it against transformers."""

from __future__ import annotations

from collections import Counter
from math import exp, inf, log, nan

import pytest

from pagelm.backend import Candidates
from pagelm.errors import BackendError, SamplingError
from pagelm.sampling import Sampler, greatest_candidates, surviving_weights
from pagelm.sampling_options import MAX_SEED, SamplingOptions

# Probabilities 1/2, 1/4, 1/8, 1/8 of the ids 7, 3, 5, 9.
HALVES = Candidates([log(0.5), log(0.25), log(0.125), log(0.125)], [7, 3, 5, 9])

FROZEN_DRAWS = [7, 3, 3, 5, 7, 7, 3, 3, 5, 3, 3, 5]


def survivors(**options: float) -> int:
    defaults = {"temperature": 1.0, "top_k": 0, "top_p": 1.0, "min_p": 0.0}
    return len(surviving_weights(HALVES.values, SamplingOptions(**{**defaults, **options})))  # type: ignore[arg-type]


def draws(options: SamplingOptions, count: int) -> Counter[int]:
    sampler = Sampler(options)
    return Counter(sampler.sample(HALVES) for _ in range(count))


def test_temperature_zero_takes_the_greatest() -> None:
    assert Sampler(SamplingOptions(temperature=0.0)).sample(HALVES) == 7


def test_all_survive_when_nothing_filters() -> None:
    assert survivors() == 4


def test_top_k_keeps_the_k_greatest() -> None:
    assert survivors(top_k=3) == 3


def test_top_k_beyond_the_vocabulary_keeps_all() -> None:
    assert survivors(top_k=5) == 4


@pytest.mark.parametrize(("top_p", "kept"), [(0.0, 1), (0.4, 1), (0.6, 2), (0.8, 3), (0.9, 4), (1.0, 4)])
def test_top_p_keeps_the_fewest_that_reach_it(top_p: float, kept: int) -> None:
    assert survivors(top_p=top_p) == kept


@pytest.mark.parametrize(("min_p", "kept"), [(0.0, 4), (0.2, 4), (0.3, 2), (0.6, 1), (1.0, 1)])
def test_min_p_is_a_share_of_the_greatest(min_p: float, kept: int) -> None:
    assert survivors(min_p=min_p) == kept


def test_top_p_counts_only_what_top_k_left() -> None:
    # of 1/2 and 1/4 alone the first has 2/3
    assert survivors(top_k=2, top_p=0.66) == 1


def test_temperature_comes_before_top_p() -> None:
    # at temperature 1/2 the probabilities are 16, 4, 1, 1 of 22
    assert survivors(temperature=0.5, top_p=0.7) == 1
    assert survivors(temperature=1.0, top_p=0.7) == 2


def test_weights_are_running_sums_in_units_of_the_greatest() -> None:
    options = SamplingOptions(temperature=1.0, top_k=3, top_p=1.0)
    assert surviving_weights(HALVES.values, options) == pytest.approx([1.0, 1.5, 1.75])


def test_draws_follow_the_probabilities() -> None:
    counts = draws(SamplingOptions(temperature=1.0, top_k=0, top_p=1.0, seed=1), 8000)
    assert counts[7] / 8000 == pytest.approx(0.5, abs=0.02)
    assert counts[3] / 8000 == pytest.approx(0.25, abs=0.02)
    assert counts[5] / 8000 == pytest.approx(0.125, abs=0.02)
    assert counts[9] / 8000 == pytest.approx(0.125, abs=0.02)


def test_filtered_tokens_are_never_drawn() -> None:
    assert set(draws(SamplingOptions(temperature=1.0, top_k=2, top_p=1.0, seed=1), 500)) == {7, 3}


def test_the_same_seed_draws_the_same_everywhere() -> None:
    # frozen: CPython and Pyodide must both give these
    sampler = Sampler(SamplingOptions(temperature=1.0, top_k=0, top_p=1.0, seed=2026))
    assert [sampler.sample(HALVES) for _ in range(12)] == FROZEN_DRAWS


def test_another_seed_draws_differently() -> None:
    first, second = (
        [sampler.sample(HALVES) for _ in range(50)]
        for sampler in (Sampler(SamplingOptions(temperature=1.0, seed=seed)) for seed in (1, 2))
    )
    assert first != second


def test_without_a_seed_a_fresh_one_is_taken_and_told() -> None:
    samplers = [Sampler(SamplingOptions()) for _ in range(4)]
    assert len({sampler.seed for sampler in samplers}) > 1
    assert all(0 <= sampler.seed <= MAX_SEED for sampler in samplers)


def test_a_told_seed_repeats_the_draws() -> None:
    fresh = Sampler(SamplingOptions(temperature=1.0))
    again = Sampler(SamplingOptions(temperature=1.0, seed=fresh.seed))
    assert [fresh.sample(HALVES) for _ in range(50)] == [again.sample(HALVES) for _ in range(50)]


@pytest.mark.parametrize(
    ("top_k", "needs"), [(1, False), (20, False), (64, False), (65, True), (0, True), (100_000, True)]
)
def test_candidates_suffice_only_for_a_top_k_within_them(top_k: int, needs: bool) -> None:
    assert Sampler(SamplingOptions(top_k=top_k)).needs_all_logits(64, 151_936) is needs


def test_candidates_that_are_the_whole_vocabulary_always_suffice() -> None:
    assert not Sampler(SamplingOptions(top_k=0)).needs_all_logits(64, 64)


def test_greedy_needs_one_candidate() -> None:
    assert not Sampler(SamplingOptions(temperature=0.0, top_k=0)).needs_all_logits(64, 151_936)


@pytest.mark.parametrize("count", [2, 3, 5, 9])
def test_the_greatest_candidates_are_descending_and_equal_ones_by_lower_id(count: int) -> None:
    candidates = greatest_candidates([1.0, 3.0, 1.0, 2.0, 3.0], count)
    assert list(candidates.ids) == [1, 4, 3, 0, 2][:count]
    assert list(candidates.values) == [3.0, 3.0, 2.0, 1.0, 1.0][:count]


def test_tiny_temperatures_do_not_overflow() -> None:
    assert draws(SamplingOptions(temperature=1e-300, top_k=20, seed=1), 50) == {7: 50}


def test_extreme_logits_do_not_overflow() -> None:
    candidates = Candidates([3e38, 0.0, -3e38], [1, 2, 3])
    assert Sampler(SamplingOptions(temperature=100.0, top_k=3, seed=1)).sample(candidates) == 1


def test_a_logit_of_minus_infinity_is_never_drawn() -> None:
    sampler = Sampler(SamplingOptions(temperature=1.0, top_k=2, top_p=1.0, seed=1))
    assert {sampler.sample(Candidates([0.0, -inf], [4, 5])) for _ in range(200)} == {4}


@pytest.mark.parametrize("values", [[nan, 0.0], [0.0, nan], [inf, 0.0], [-inf, -inf]])
def test_logits_that_are_not_numbers_are_refused(values: list[float]) -> None:
    with pytest.raises(BackendError, match="finite numbers"):
        Sampler(SamplingOptions(temperature=1.0, top_k=2)).sample(Candidates(values, [0, 1]))


@pytest.mark.parametrize("value", [nan, inf, -inf])
def test_greedy_refuses_logits_that_are_not_numbers(value: float) -> None:
    with pytest.raises(BackendError, match="finite numbers"):
        Sampler(SamplingOptions(temperature=0.0)).sample(Candidates([value, 0.0], [0, 1]))


@pytest.mark.parametrize(
    ("option", "value"),
    [
        ("temperature", -0.1),
        ("temperature", nan),
        ("temperature", inf),
        ("temperature", True),
        ("temperature", "1"),
        ("top_k", -1),
        ("top_k", 1.5),
        ("top_k", True),
        ("top_p", 1.01),
        ("top_p", -0.1),
        ("min_p", 2),
        ("min_p", nan),
        ("seed", -1),
        ("seed", MAX_SEED + 1),
        ("seed", 0.5),
    ],
)
def test_an_option_out_of_range_is_named(option: str, value: object) -> None:
    with pytest.raises(SamplingError, match=f"^{option} is .*expected .*Change {option}"):
        SamplingOptions(**{option: value})  # type: ignore[arg-type]


def test_integers_are_numbers_too() -> None:
    assert SamplingOptions(temperature=1, top_p=1, min_p=0).temperature == 1


def test_weights_of_a_realistic_step() -> None:
    values = [20.0 - 0.5 * rank for rank in range(64)]
    cumulative = surviving_weights(values, SamplingOptions(temperature=0.6, top_k=20, top_p=0.95))
    probabilities = [exp(-0.5 * rank / 0.6) for rank in range(20)]
    total = sum(probabilities)
    kept = next(n for n in range(1, 21) if sum(probabilities[:n]) >= 0.95 * total)
    assert cumulative == pytest.approx([sum(probabilities[: n + 1]) for n in range(kept)])
