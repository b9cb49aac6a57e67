"""Chooses what each channel of a linear layer's input is multiplied by before it is rounded to int8.

A row of activations shares one scale, so that a few loud channels take the precision of all others. Here they
are made quieter, and the weights that they meet greater by as much, which changes nothing but the rounding of
both (Xiao et al. 2023, "SmoothQuant"). It knows neither layers nor files.

    x W = (x ∘ f) (W / f),  f ≤ 1        error ~ mean max (x f)² · Σ (w / f)² + Σ max (w / f)² · mean Σ (x f)²
                                                 rounding activations           rounding weights
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from pagelm_builder.quantize.scale_search import Floats

# enough to know a layer by; both are taken evenly from all there are
TOKENS = 512
ROWS = 1024
# coarse ones first: fine ones alone take several times as long
STEPS = (0.5, 2**-0.5, 2**-0.25)
MOST_STEPS = 128
# the loudest channels that are tried before there is said to be no better choice
CANDIDATES = 8
LEAST_GAIN = 0.0005


def choose_factors(inputs: Floats, weights: Floats) -> Floats:
    """Quiet channels, the loudest first, as long as that lowers the estimated error.

    Args:
        inputs: `[tokens, size]`, of a text.
        weights: `[rows, size]`.

    Returns:
        At most 1, `[size]`.
    """
    layer = _Layer(_evenly(inputs, TOKENS), _evenly(weights, ROWS))
    for step in STEPS:
        for _ in range(MOST_STEPS):
            if not _quiet_one(layer, step):
                break
    return layer.factors.astype(np.float32)


def _quiet_one(layer: _Layer, step: float) -> bool:
    """Quiet the loudest channel that is worth it, if there is one."""
    least = layer.error() * (1 - LEAST_GAIN)
    for channel in layer.loudest():
        layer.scale(channel, step)
        if layer.error() < least:
            return True
        layer.scale(channel, 1 / step)
    return False


class _Layer:
    """Magnitudes by channel `[size, tokens]` and `[size, rows]`, and the factors applied to them."""

    def __init__(self, inputs: Floats, weights: Floats) -> None:
        self.factors = np.ones(inputs.shape[1])
        self._inputs = np.abs(inputs.T.astype(np.float64))
        self._weights = np.abs(weights.T.astype(np.float64))
        self._input_squares = (self._inputs**2).mean(axis=1)
        self._weight_squares = (self._weights**2).sum(axis=1)

    def scale(self, channel: int, factor: float) -> None:
        self.factors[channel] *= factor
        self._inputs[channel] *= factor
        self._weights[channel] /= factor

    def error(self) -> float:
        """The formula above, but for a constant."""
        of_inputs = (self._inputs.max(axis=0) ** 2).mean() * (self._weight_squares / self.factors**2).sum()
        of_weights = (self._weights.max(axis=0) ** 2).sum() * (self._input_squares * self.factors**2).sum()
        return float(of_inputs + of_weights)

    def loudest(self) -> list[int]:
        """Channels by the squares of the rows whose scale they set."""
        channels = len(self._inputs)
        squares = np.bincount(self._inputs.argmax(axis=0), self._inputs.max(axis=0) ** 2, channels)
        order: list[int] = np.argsort(-squares, kind="stable")[:CANDIDATES].tolist()
        return [channel for channel in order if squares[channel] > 0]


def _evenly(rows: Floats, most: int) -> Floats:
    return rows[:: max(1, len(rows) // most)][:most]


def is_smoothed(factors: NDArray[np.float32]) -> bool:
    return bool((factors != 1).any())
