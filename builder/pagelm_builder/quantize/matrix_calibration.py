"""One matrix, whatever it is for, from runs of its rows and the statistics of its inputs to packed codes.

Scales and codes by error feedback, then one sweep of refinement; rows are independent, so that a head of
150,000 of them needs no more memory than a run. It knows neither layers nor tokens.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pagelm_builder.quantize.block_format import BlockFormat
from pagelm_builder.quantize.error_feedback import (
    InputMoments,
    QuantizedMatrix,
    make_moments,
    quantize_with_feedback,
)
from pagelm_builder.quantize.refinement import refine
from pagelm_builder.quantize.round_to_nearest import dequantize_rows, pack_codes
from pagelm_builder.quantize.scale_search import Floats

# more rows at once would fall out of the processor's cache
ROWS_AT_ONCE = 2048


@dataclass(frozen=True, slots=True)
class CalibratedMatrix:
    """As it is stored: packed codes `[rows, blocks, block_bytes]` and scales `[rows, blocks]`."""

    codes: NDArray[np.uint8]
    scales: NDArray[np.float16]

    def rows(self, some: slice) -> CalibratedMatrix:
        return CalibratedMatrix(self.codes[some], self.scales[some])

    def take(self, indices: NDArray[np.int64]) -> CalibratedMatrix:
        """These rows, in this order."""
        return CalibratedMatrix(self.codes[indices], self.scales[indices])

    def weights(self, form: BlockFormat) -> Floats:
        """What the graphs will compute with, `[rows, inputs]`."""
        return dequantize_rows(self.codes, self.scales, form)


def quantize_matrix(
    runs: Iterable[Floats],
    second_moments: NDArray[np.float64],
    form: BlockFormat,
    correction: Floats | None = None,
) -> CalibratedMatrix:
    """Quantize a matrix.

    Args:
        runs: Its rows, in consecutive runs `[n, inputs]`.
        second_moments: Of its inputs, `[inputs, inputs]`.
        correction: Times the transposed weights, what is added to them first.
    """
    inputs = make_moments(second_moments)
    codes, scales = [], []
    for run in runs:
        for start in range(0, len(run), ROWS_AT_ONCE):
            weight = np.ascontiguousarray(run[start : start + ROWS_AT_ONCE].T)
            if correction is not None:
                weight += correction @ weight
            packed = _pack(_quantize(weight, inputs, form), form)
            codes.append(packed.codes)
            scales.append(packed.scales)
    return CalibratedMatrix(np.concatenate(codes), np.concatenate(scales))


def _quantize(weight: Floats, inputs: InputMoments, form: BlockFormat) -> QuantizedMatrix:
    return refine(weight, quantize_with_feedback(weight, inputs, form), inputs, form)


def _pack(quantized: QuantizedMatrix, form: BlockFormat) -> CalibratedMatrix:
    unsigned = (quantized.codes.T + form.zero_point).astype(np.uint8)
    blocks = unsigned.reshape(len(unsigned), -1, form.block_size)
    return CalibratedMatrix(pack_codes(blocks, form), quantized.scales.T.astype(np.float16))
