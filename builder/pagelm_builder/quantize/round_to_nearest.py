"""Symmetric int4 in blocks of 32 along the inputs, by rounding to nearest.

Per block, `d` is the entry of the largest magnitude with its sign; scale = float16(d / -8), so that `d`
itself lands on code 0 (value -8), the one end of the range that has no mirror image. Codes are offset by 8.
The layout is that of onnxruntime's MatMulNBits. It knows nothing of models or files. Specified in
docs/contracts.md, "int4 weights".

    codes  uint8 [N, K/32, 16]   byte j of a block: element 2j in the low nibble, 2j+1 in the high one
    scales f16   [N, K/32]
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

BLOCK_SIZE = 32
ZERO_POINT = 8
# float16 cannot hold a scale above this; such a weight would be 8 × 65504 and is not a model's
_LARGEST_SCALE = float(np.finfo(np.float16).max)


def quantize_rows(weight: NDArray[np.float32]) -> tuple[NDArray[np.uint8], NDArray[np.float16]]:
    """Quantize whole rows.

    Args:
        weight: `[N, K]`, K a multiple of 32.

    Returns:
        codes `[N, K/32, 16]` and scales `[N, K/32]`.
    """
    rows, columns = weight.shape
    assert columns % BLOCK_SIZE == 0
    blocks = weight.reshape(rows, columns // BLOCK_SIZE, BLOCK_SIZE)
    scales = _scales(blocks)
    rounded = scales.astype(np.float32)[..., None]
    quotient = np.divide(blocks, rounded, out=np.zeros_like(blocks), where=rounded != 0)
    # clip before the cast: a quotient by a subnormal scale exceeds every integer type
    codes = np.clip(np.rint(quotient) + ZERO_POINT, 0, 15).astype(np.uint8)
    return pack_nibbles(codes), scales


def dequantize_rows(codes: NDArray[np.uint8], scales: NDArray[np.float16]) -> NDArray[np.float32]:
    """The weights `[N, K]` that all graphs compute with: (q - 8) * scale, exact in float32."""
    signed = unpack_nibbles(codes).astype(np.float32) - ZERO_POINT
    values: NDArray[np.float32] = signed * scales.astype(np.float32)[..., None]
    return values.reshape(codes.shape[0], -1)


def pack_nibbles(codes: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """`[..., 2n]` codes of four bits → `[..., n]` bytes, the even element low."""
    high = np.left_shift(codes[..., 1::2], 4, dtype=np.uint8)
    packed: NDArray[np.uint8] = np.bitwise_or(codes[..., 0::2], high)
    return packed


def unpack_nibbles(packed: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """The inverse of `pack_nibbles`."""
    codes = np.empty((*packed.shape[:-1], 2 * packed.shape[-1]), np.uint8)
    codes[..., 0::2] = packed & 0x0F
    codes[..., 1::2] = packed >> 4
    return codes


def _scales(blocks: NDArray[np.float32]) -> NDArray[np.float16]:
    position = np.abs(blocks).argmax(axis=-1, keepdims=True)
    largest = np.take_along_axis(blocks, position, axis=-1)[..., 0]
    return np.clip(largest / -8, -_LARGEST_SCALE, _LARGEST_SCALE).astype(np.float16)
