"""Which channels are quieted before activations are rounded, and that the product is closer for it."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from pagelm_builder.quantize.smoothing import choose_factors

Floats = NDArray[np.float32]
LOUD = (3, 17)


def example() -> tuple[Floats, Floats]:
    """Activations with two loud channels, and weights, as wide as they are."""
    random = np.random.default_rng(0)
    inputs = random.standard_normal((300, 64)).astype(np.float32)
    inputs[:, LOUD] *= 20
    return inputs, random.standard_normal((48, 64)).astype(np.float32)


def rounded(values: NDArray[np.float64]) -> NDArray[np.float64]:
    step = np.abs(values).max(axis=1, keepdims=True) / 127
    return np.round(values / step) * step


def error(inputs: Floats, weights: Floats, factors: Floats) -> float:
    """Of the product, both sides rounded to int8 by row."""
    exact = inputs.astype(np.float64) @ weights.T.astype(np.float64)
    found = rounded(inputs * factors.astype(np.float64)) @ rounded(weights / factors.astype(np.float64)).T
    return float(((found - exact) ** 2).mean())


def test_loud_channels_are_quieted_and_the_product_is_closer() -> None:
    inputs, weights = example()
    weights[:, LOUD] *= 0.1
    factors = choose_factors(inputs, weights)
    assert set(np.flatnonzero(factors != 1)) >= set(LOUD)
    assert error(inputs, weights, factors) < 0.2 * error(inputs, weights, np.ones(64, np.float32))


def test_a_loud_channel_that_meets_great_weights_is_left_alone() -> None:
    inputs, weights = example()
    weights[:, LOUD] *= 20
    assert (choose_factors(inputs, weights)[list(LOUD)] == 1).all()


def test_factors_are_at_most_1() -> None:
    factors = choose_factors(*example())
    assert factors.min() > 0
    assert factors.max() == 1


def test_channels_that_are_alike_are_left_alone() -> None:
    random = np.random.default_rng(1)
    inputs = random.choice(np.array([-1, 1], np.float32), (100, 32))
    assert (choose_factors(inputs, random.choice(np.array([-1, 1], np.float32), (20, 32))) == 1).all()


def test_silence_is_left_alone() -> None:
    assert (choose_factors(np.zeros((4, 8), np.float32), np.ones((3, 8), np.float32)) == 1).all()
