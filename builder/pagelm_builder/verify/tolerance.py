"""How far two computations of the same graph may be apart, by what each graph computes in.

All are shares of the standard deviation of the logits. Measured figures: docs/decisions.md.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Tolerance:
    """Bounds on the difference of a likeliest token's logit: the largest, and the mean over all steps."""

    largest: float
    mean: float


# float32 sums in another order. Measured: 4e-6 (pico), 1.1e-5 (SmolLM2-135M)
FLOAT32 = Tolerance(1e-3, 1e-3)
# eleven bits of mantissa; not measured on a GPU yet
FLOAT16 = Tolerance(0.1, 0.05)
# Rounded activations: one ulp before rounding may be a whole step after it, and after some layers two runs
# are as far from each other as from what is not rounded. Measured shares of that: 0.9 mean, 3.8 largest
# (SmolLM2-135M); 0.2 and 2.3 (pico).
LARGEST_OF_NOISE, MEAN_OF_NOISE = 6.0, 2.0
SMALLEST_NOISE = 0.005


def rounded_activations(noise: float) -> Tolerance:
    """Bounds for a graph that quantizes activations.

    Args:
        noise: How far it is from a graph that computes otherwise on the same weights.
    """
    noise = max(noise, SMALLEST_NOISE)
    return Tolerance(LARGEST_OF_NOISE * noise, MEAN_OF_NOISE * noise)
