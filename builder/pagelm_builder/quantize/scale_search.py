"""Which scale a block of weights gets: by its largest weight, or the one that costs least.

`largest_magnitude` is the rule of rounding to nearest. `searched` tries that scale shrunk, and the scale by
which the largest weight of the other sign would land on the end of the range (codes reach further to one side
than to the other), and keeps whichever leaves the least squared error, weighted by how much each input
matters. It knows neither activations nor layers. Blocks are `[block_size, rows]`, a column to a row's block.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from pagelm_builder.quantize.block_format import BlockFormat
from pagelm_builder.quantize.round_to_nearest import largest_magnitude_scales, to_float16_range

Floats: TypeAlias = NDArray[np.float32]
ScaleRule: TypeAlias = Callable[[Floats, Floats, BlockFormat], Floats]
"""(block `[block_size, rows]`, importance of each input `[block_size]`, form) → scales `[rows]`, float32 that
float16 holds exactly."""

# shares of the scale that clips nothing; beyond these, nothing was ever gained
_SHRUNK = (1.0, 0.975, 0.95, 0.925, 0.9, 0.875, 0.85, 0.825, 0.8, 0.75, 0.7, 0.65)
_OTHER_SIGN = (0.75, 0.8, 0.85, 0.9, 0.95, 1.0, 1.05, 1.1)


def largest_magnitude(block: Floats, importance: Floats, form: BlockFormat) -> Floats:
    """A `ScaleRule`."""
    return largest_magnitude_scales(block.T, form).astype(np.float32)


def searched(block: Floats, importance: Floats, form: BlockFormat) -> Floats:
    """A `ScaleRule`."""
    best = largest_magnitude(block, importance, form)
    least = _cost(block, best, importance, form)
    for scales in _candidates(block, best, form):
        cost = _cost(block, scales, importance, form)
        better = cost < least
        best, least = np.where(better, scales, best), np.where(better, cost, least)
    return best


def nearest_codes(weights: Floats, scales: Floats, form: BlockFormat) -> Floats:
    """Signed codes `[…, rows]` of weights `[…, rows]`, as float32; a scale of 0 gives 0."""
    divisor = np.where(scales == 0, np.float32(np.inf), scales)
    codes: Floats = np.rint(weights / divisor)
    return np.clip(codes, -form.zero_point, form.zero_point - 1, out=codes)


def to_scales(values: Floats) -> Floats:
    """Rounded to float16, in which they are stored."""
    return to_float16_range(values).astype(np.float32)


def _candidates(block: Floats, largest: Floats, form: BlockFormat) -> Iterator[Floats]:
    for share in _SHRUNK[1:]:
        yield to_scales(largest * np.float32(share))
    # a negative scale has put the largest positive weight on the lowest code
    other = np.where(largest < 0, block.min(axis=0), block.max(axis=0)) / np.float32(-form.zero_point)
    for share in _OTHER_SIGN:
        yield to_scales(other * np.float32(share))


def _cost(block: Floats, scales: Floats, importance: Floats, form: BlockFormat) -> Floats:
    error = nearest_codes(block, scales, form)
    error *= scales
    error -= block
    error *= error
    cost: Floats = importance @ error
    return cost
