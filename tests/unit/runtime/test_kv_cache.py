"""pagelm.kv_cache: what of the cache a prompt can use."""

from __future__ import annotations

import pytest

from pagelm.errors import ContextOverflowError
from pagelm.kv_cache import KVCache, common_prefix


def cache_of(*token_ids: int, capacity: int = 16) -> KVCache:
    cache = KVCache(capacity)
    cache.extend(token_ids)
    return cache


@pytest.mark.parametrize(
    ("a", "b", "length"),
    [
        ([], [], 0),
        ([1], [], 0),
        ([1, 2, 3], [1, 2, 3], 3),
        ([1, 2, 3], [1, 2], 2),
        ([1, 2, 3], [1, 9, 3], 1),
        ([9, 2, 3], [1, 2, 3], 0),
        ([1, 2, 3, 4, 5, 6, 7], [1, 2, 3, 4, 5, 0, 7], 5),
    ],
)
def test_common_prefix(a: list[int], b: list[int], length: int) -> None:
    assert common_prefix(a, b) == length
    assert common_prefix(b, a) == length


def test_common_prefix_at_every_length() -> None:
    for length in range(65):
        assert common_prefix(list(range(64)), [*range(length), -1, *range(length + 1, 64)]) == length


def test_an_empty_cache_keeps_nothing() -> None:
    plan = cache_of().plan([1, 2, 3], valid=0)
    assert (plan.keep, list(plan.input_ids)) == (0, [1, 2, 3])


def test_a_longer_prompt_runs_only_what_is_new() -> None:
    plan = cache_of(1, 2, 3).plan([1, 2, 3, 4, 5], valid=3)
    assert (plan.keep, list(plan.input_ids)) == (3, [4, 5])


def test_a_changed_token_keeps_only_what_stands_before_it() -> None:
    plan = cache_of(1, 2, 3, 4).plan([1, 2, 9, 4], valid=4)
    assert (plan.keep, list(plan.input_ids)) == (2, [9, 4])


def test_the_last_prompt_token_is_always_run_again() -> None:
    plan = cache_of(1, 2, 3).plan([1, 2, 3], valid=3)
    assert (plan.keep, list(plan.input_ids)) == (2, [3])


def test_a_shorter_prompt_truncates() -> None:
    plan = cache_of(1, 2, 3, 4).plan([1, 2], valid=4)
    assert (plan.keep, list(plan.input_ids)) == (1, [2])


def test_what_the_backend_lost_is_run_again() -> None:
    plan = cache_of(1, 2, 3).plan([1, 2, 3, 4], valid=1)
    assert (plan.keep, list(plan.input_ids)) == (1, [2, 3, 4])


def test_the_budget_is_what_the_prompt_leaves() -> None:
    assert cache_of(capacity=16).plan(range(10), valid=0).budget == 6


def test_a_prompt_that_leaves_one_token_fits() -> None:
    assert cache_of(capacity=16).plan(range(15), valid=0).budget == 1


@pytest.mark.parametrize("length", [0, 16, 17])
def test_a_prompt_that_leaves_none_is_refused(length: int) -> None:
    with pytest.raises(ContextOverflowError, match=f"the prompt has {length} tokens .*1 to 15"):
        cache_of(capacity=16).plan(range(length), valid=0)


def test_a_refused_prompt_changes_nothing() -> None:
    cache = cache_of(1, 2, 3, capacity=4)
    with pytest.raises(ContextOverflowError):
        cache.plan(range(9), valid=3)
    assert cache.token_ids == (1, 2, 3)
