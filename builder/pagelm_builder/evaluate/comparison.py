"""What two models say about the same text, compared: divergence, agreement, perplexity.

Sums over positions as they come, in float64; it sees logits only, some rows at a time, and knows no model.

    KL(reference ‖ found) = Σ p (log p − log q), mean over positions, in nats per token
    perplexity = exp(mean of −log probability of the token that came next)
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pagelm_builder.distributions import kl_divergence, log_softmax

# float64 values compared at once: 2^22 are 32 MiB, several times over
VALUES_AT_ONCE = 1 << 22


@dataclass(frozen=True, slots=True)
class Comparison:
    """Means over all positions that were compared."""

    positions: int
    kl_divergence_mean: float
    top_1_agreement: float
    perplexity: float
    reference_perplexity: float


class Comparing:
    """Collects positions; `result` at the end."""

    def __init__(self) -> None:
        self._positions = 0
        self._sums = np.zeros(4)

    def add(
        self,
        reference: NDArray[np.float32],
        found: NDArray[np.float32],
        next_ids: NDArray[np.int64],
    ) -> None:
        """Compare rows of logits.

        Args:
            reference: `[positions, vocab_size]`.
            found: The same positions, of the other model.
            next_ids: The token that follows each position, `[positions]`.
        """
        step = max(1, VALUES_AT_ONCE // reference.shape[1])
        for start in range(0, len(next_ids), step):
            some = slice(start, start + step)
            self._sums += _sums(reference[some], found[some], next_ids[some])
        self._positions += len(next_ids)

    def result(self) -> Comparison:
        divergence, agreement, surprise, reference_surprise = (self._sums / self._positions).tolist()
        return Comparison(
            positions=self._positions,
            kl_divergence_mean=divergence,
            top_1_agreement=agreement,
            perplexity=math.exp(surprise),
            reference_perplexity=math.exp(reference_surprise),
        )


def _sums(
    reference: NDArray[np.float32], found: NDArray[np.float32], next_ids: NDArray[np.int64]
) -> NDArray[np.float64]:
    """Sums of divergence, agreement, −log q and −log p of the next token."""
    log_p, log_q = log_softmax(reference), log_softmax(found)
    rows = np.arange(len(next_ids))
    return np.array(
        [
            kl_divergence(log_p, log_q).sum(),
            (log_p.argmax(axis=1) == log_q.argmax(axis=1)).sum(),
            -log_q[rows, next_ids].sum(),
            -log_p[rows, next_ids].sum(),
        ]
    )
