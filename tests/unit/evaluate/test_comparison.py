"""Divergence, agreement and perplexity, against what they come to by hand."""

from __future__ import annotations

import math

import numpy as np
import pytest

from pagelm_builder.evaluate import comparison
from pagelm_builder.evaluate.comparison import Comparing

HALVES = np.log(np.array([[0.5, 0.5]], np.float32))
QUARTERS = np.log(np.array([[0.25, 0.75]], np.float32))


def test_divergence_and_perplexities_are_those_computed_by_hand() -> None:
    comparing = Comparing()
    comparing.add(HALVES, QUARTERS, np.array([0]))
    comparing.add(QUARTERS, QUARTERS, np.array([1]))
    result = comparing.result()
    # 0.5 ln(0.5/0.25) + 0.5 ln(0.5/0.75) at the first position, 0 at the second
    by_hand = (0.5 * math.log(2) + 0.5 * math.log(2 / 3)) / 2
    assert result.positions == 2
    assert result.kl_divergence_mean == pytest.approx(by_hand, rel=1e-6)
    assert result.perplexity == pytest.approx(math.sqrt(1 / (0.25 * 0.75)), rel=1e-6)
    assert result.reference_perplexity == pytest.approx(math.sqrt(1 / (0.5 * 0.75)), rel=1e-6)


def test_agreement_is_the_share_of_positions_with_the_same_likeliest_token() -> None:
    comparing = Comparing()
    reference = np.array([[1, 0], [1, 0], [0, 1], [0, 1]], np.float32)
    found = np.array([[3, 2], [0, 1], [0, 9], [5, 6]], np.float32)
    comparing.add(reference, found, np.zeros(4, int))
    assert comparing.result().top_1_agreement == 0.75


def test_a_constant_added_to_all_logits_changes_nothing() -> None:
    comparing = Comparing()
    comparing.add(QUARTERS, QUARTERS + np.float32(800), np.array([0]))
    result = comparing.result()
    assert result.kl_divergence_mean == pytest.approx(0, abs=1e-4)
    assert result.perplexity == pytest.approx(4, rel=1e-3)


def test_rows_may_come_in_any_pieces(monkeypatch: pytest.MonkeyPatch) -> None:
    random = np.random.default_rng(0)
    reference, found = random.standard_normal((2, 20, 30)).astype(np.float32)
    next_ids = random.integers(0, 30, 20)
    whole, pieces = Comparing(), Comparing()
    whole.add(reference, found, next_ids)
    monkeypatch.setattr(comparison, "VALUES_AT_ONCE", 90)
    pieces.add(reference[:7], found[:7], next_ids[:7])
    pieces.add(reference[7:], found[7:], next_ids[7:])
    assert pieces.result().kl_divergence_mean == pytest.approx(whole.result().kl_divergence_mean, rel=1e-9)
    assert pieces.result().perplexity == pytest.approx(whole.result().perplexity, rel=1e-9)
