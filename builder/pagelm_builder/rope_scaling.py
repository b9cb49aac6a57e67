"""Llama 3's scaled rotary positions: each frequency divided by a number of its own.

Short waves stay as they are, long ones are stretched by `factor`, those between by a share of it. The decoder
knows the divisors only. Every other kind of scaling is refused by who reads the config. Follows transformers'
`rope_type` "llama3" (Llama 3.1).
"""

from __future__ import annotations

import math
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Llama3Scaling:
    """The keys of `rope_scaling` in config.json."""

    factor: float
    low_freq_factor: float
    high_freq_factor: float
    original_max_position_embeddings: int


def frequency_divisors(scaling: Llama3Scaling, head_dim: int, rope_theta: float) -> tuple[float, ...]:
    """What theta^(-2i/head_dim) is divided by, for i < head_dim/2."""
    return tuple(
        _divisor(scaling, 2 * math.pi * rope_theta ** (exponent / head_dim))
        for exponent in range(0, head_dim, 2)
    )


def _divisor(scaling: Llama3Scaling, wavelength: float) -> float:
    turns = scaling.original_max_position_embeddings / wavelength
    if turns > scaling.high_freq_factor:
        return 1.0
    if turns < scaling.low_freq_factor:
        return scaling.factor
    span = scaling.high_freq_factor - scaling.low_freq_factor
    kept = (turns - scaling.low_freq_factor) / span if span else 1.0
    return 1 / ((1 - kept) / scaling.factor + kept)
