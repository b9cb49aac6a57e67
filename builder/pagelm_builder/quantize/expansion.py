"""Blocks → int8 per output channel, for the W8A8 graph.

The runtime does this when it loads a bundle (nothing of it is shipped); this is the reference that its result
is compared with, and what the tests feed to the graph. Arithmetic in float64 and rounding half up, so that
JavaScript gets the same bytes. Specified in docs/contracts.md, "Graphs".
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from pagelm_builder.quantize.block_format import BlockFormat
from pagelm_builder.quantize.round_to_nearest import INT4, unpack_codes


def expand_rows(
    codes: NDArray[np.uint8],
    scales: NDArray[np.float16],
    form: BlockFormat = INT4,
    input_factors: NDArray[np.float32] | None = None,
) -> tuple[NDArray[np.int8], NDArray[np.float32]]:
    """Expand one matrix.

    Args:
        codes: `[N, K/B, block_bytes]`.
        scales: `[N, K/B]`.
        input_factors: What the inputs will be multiplied by, `[K]`; 1 by default.

    Returns:
        weight `[K, N]` (transposed, C order) and weight_scales `[N]`: w[n, k] ≈ weight[k, n] *
        weight_scales[n] * input_factors[k].
    """
    signed = unpack_codes(codes, form).astype(np.float64) - form.zero_point
    values = (signed * scales.astype(np.float64)[..., None]).reshape(codes.shape[0], -1)
    if input_factors is not None:
        values /= input_factors.astype(np.float64)
    channel = (np.abs(values).max(axis=1) / 127).astype(np.float32)
    channel[channel == 0] = 1
    weight = np.floor(values / channel.astype(np.float64)[:, None] + 0.5)
    # a float32 scale rounded down puts the largest entry at 127.00001, which still rounds to 127
    return np.ascontiguousarray(weight.astype(np.int8).T), channel
