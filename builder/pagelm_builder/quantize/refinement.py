"""Improves a quantized matrix by exact steps: each code, then each scale, as if it were the only choice.

Coordinate descent on the loss e H eᵀ of each row: the best real value of one weight, the others as they are,
is the present one minus the gradient over the curvature; the code nearest to it is taken. A block's best
scale for its codes is the same in one more dimension. No step makes the loss larger. As in "QuantEase"
(Behdin et al. 2023), here for blocks with scales. It knows neither layers nor files.
"""

from __future__ import annotations

import numpy as np

from pagelm_builder.quantize.block_format import BlockFormat
from pagelm_builder.quantize.error_feedback import InputMoments, QuantizedMatrix
from pagelm_builder.quantize.scale_search import Floats, nearest_codes, to_scales


def refine(
    weight: Floats, quantized: QuantizedMatrix, inputs: InputMoments, form: BlockFormat
) -> QuantizedMatrix:
    """One sweep over all blocks.

    Args:
        weight: What `quantized` should behave like, `[inputs, rows]`.
    """
    codes, scales = quantized.codes.copy(), quantized.scales.copy()
    gradient = inputs.moments @ (quantized.weights() - weight)
    for index, start in enumerate(range(0, len(weight), form.block_size)):
        block = slice(start, start + form.block_size)
        curvature = inputs.moments[block, block]
        before = codes[block] * scales[index]
        local = gradient[block].copy()
        _choose_codes(codes[block], scales[index], local, curvature, form)
        scales[index] = _best_scales(codes[block], scales[index], local, curvature)
        gradient += inputs.moments[:, block] @ (codes[block] * scales[index] - before)
    return QuantizedMatrix(codes, scales)


def _choose_codes(
    codes: Floats, scales: Floats, gradient: Floats, curvature: Floats, form: BlockFormat
) -> None:
    """Changes `codes` and keeps `gradient` up to date, both `[block_size, rows]`."""
    for k in range(len(codes)):
        best = nearest_codes(codes[k] * scales - gradient[k] / curvature[k, k], scales, form)
        change = (best - codes[k]) * scales
        codes[k] = best
        gradient += curvature[:, k, None] * change


def _best_scales(codes: Floats, scales: Floats, gradient: Floats, curvature: Floats) -> Floats:
    """Scales `[rows]` that cost least with these codes; the present ones where float16 has none better."""
    slope = np.einsum("kn,kn->n", codes, gradient)
    bend = np.einsum("kn,kn->n", codes, curvature @ codes)
    step = np.divide(-slope, bend, out=np.zeros_like(slope), where=bend > 0)
    better = to_scales(scales + step)
    change = better - scales
    return np.where(change * (2 * slope + change * bend) < 0, better, scales)
