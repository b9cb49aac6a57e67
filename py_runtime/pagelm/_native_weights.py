"""The native backend's weights: a bundle's parts as one array, and the int8 that the `wasm` graph reads.

Knows bytes and their layout (docs/contracts.md, "int4 weights" and "Graphs"), but no session and no cache.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import numpy.typing as npt

from pagelm.bundle_files import read_verified
from pagelm.manifest_values import Expanded, ExpandedTensor, Weights

_ELEMENTS_AT_ONCE = 1 << 18
"""Weights that a thread expands at once: in float64 the whole head of Qwen3-0.6B would take 1.2 GB several
times over, and pieces that fit the processor's cache take half the time."""


def read_weights(folder: str | Path, weights: Weights) -> npt.NDArray[np.uint8]:
    """All parts, concatenated; at no time is more than one of them in memory twice.

    Raises:
        BundleError: A part is missing or altered.
    """
    data = np.empty(weights.bytes, np.uint8)
    offset = 0
    for part in weights.parts:
        _region(data, offset, part.bytes)[:] = np.frombuffer(read_verified(folder, part), np.uint8)
        offset += part.bytes
    return data


def expand_weights(weights: npt.NDArray[np.uint8], expanded: Expanded) -> npt.NDArray[np.uint8]:
    """External data of the `wasm` graph, computed from the shared weights, some rows in each thread.

    Args:
        weights: All parts, concatenated.
        expanded: Where each tensor is and where it goes.
    """
    data = np.zeros(expanded.bytes, np.uint8)
    with ThreadPoolExecutor(os.cpu_count()) as threads:  # numpy lets go of the interpreter while it computes
        jobs = [
            threads.submit(_expand_rows, weights, data, tensor, rows)
            for tensor in expanded.tensors
            for rows in _pieces(tensor)
        ]
        for job in jobs:
            job.result()
    return data


def _pieces(tensor: ExpandedTensor) -> Iterator[slice]:
    rows_at_once = max(1, _ELEMENTS_AT_ONCE // tensor.columns)
    for start in range(0, tensor.rows, rows_at_once):
        yield slice(start, min(start + rows_at_once, tensor.rows))


def _expand_rows(
    weights: npt.NDArray[np.uint8], data: npt.NDArray[np.uint8], tensor: ExpandedTensor, some: slice
) -> None:
    """Some rows of one tensor: codes `[N, blocks, block_size * bits / 8]` to int8 `[K, N]`."""
    rows, columns, blocks = tensor.rows, tensor.columns, tensor.columns // tensor.block_size
    size = rows * columns * tensor.bits // 8
    codes = _region(weights, tensor.codes_offset, size).reshape(rows, blocks, -1)[some]
    scales = _region(weights, tensor.scales_offset, rows * blocks * 2).view("<f2").reshape(rows, blocks, 1)
    levels = np.stack((codes & 15, codes >> 4), axis=-1) if tensor.bits == 4 else codes
    offset_codes = levels.reshape(len(codes), blocks, tensor.block_size).astype(np.float64)
    dense = (offset_codes - 2 ** (tensor.bits - 1)) * scales[some].astype(np.float64)
    dense = dense.reshape(len(codes), columns)
    if tensor.input_factors_offset is not None:
        factors = _region(weights, tensor.input_factors_offset, columns * 4).view("<f4")
        dense /= factors.astype(np.float64)
    row_scales = (np.abs(dense).max(axis=1) / 127).astype(np.float32)
    row_scales[row_scales == 0] = 1
    quantized = np.floor(dense / row_scales[:, None].astype(np.float64) + 0.5).astype(np.int8)
    target = _region(data, tensor.weight_offset, rows * columns).view(np.int8).reshape(columns, rows)
    target[:, some] = quantized.T
    _region(data, tensor.weight_scales_offset, rows * 4).view("<f4")[some] = row_scales


def _region(data: npt.NDArray[np.uint8], offset: int, length: int) -> npt.NDArray[np.uint8]:
    return data[offset : offset + length]
