"""The seam between the weight stream and the ways to choose codes and scales.

Every way gives the same bytes' worth in the same layout; a graph cannot tell which one was used. It knows
neither files nor graphs.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Protocol, TypeAlias

import numpy as np
from numpy.typing import NDArray

from pagelm_builder.config import JsonValue
from pagelm_builder.quantize.block_format import BlockFormat
from pagelm_builder.quantize.round_to_nearest import quantize_rows
from pagelm_builder.tensors import ModelTensor

QuantizedRows: TypeAlias = tuple[NDArray[np.uint8], NDArray[np.float16]]
"""Packed codes `[n, K/B, block_bytes]` and scales `[n, K/B]` of consecutive rows."""


class MatrixQuantizer(Protocol):
    """One way to quantize the matrices of one model."""

    def quantize(
        self, tensor: ModelTensor, runs: Iterable[NDArray[np.float32]], form: BlockFormat
    ) -> Iterator[QuantizedRows]:
        """One matrix.

        Args:
            runs: Its rows, in consecutive runs `[n, K]`; not all need be asked for.
            form: How it is stored.
        """
        ...

    def input_factors(self) -> Mapping[str, NDArray[np.float32]]:
        """What channels of activations are multiplied by before they are rounded to int8, by `inputs_name`.

        Inputs that are left out are rounded as they are.
        """
        ...

    def entries(self) -> dict[str, JsonValue]:
        """What the manifest's `quantization` says of it: `method`, and how it was calibrated, if it was."""
        ...


class RoundToNearest:
    """Each weight by itself: needs no text, and no memory beyond a run of rows."""

    def quantize(
        self, tensor: ModelTensor, runs: Iterable[NDArray[np.float32]], form: BlockFormat
    ) -> Iterator[QuantizedRows]:
        for rows in runs:
            yield quantize_rows(rows, form)

    def input_factors(self) -> Mapping[str, NDArray[np.float32]]:
        return {}

    def entries(self) -> dict[str, JsonValue]:
        return {"method": "rtn"}


ROUND_TO_NEAREST = RoundToNearest()
