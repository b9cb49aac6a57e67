"""Symmetric codes in blocks along the inputs, by rounding to nearest.

Per block, `d` is the entry of the largest magnitude with its sign; scale = float16(d / -8), so that `d`
itself lands on code 0 (value -8), the one end of the range that has no mirror image. Codes are offset by 8;
codes of 8 bits have 128 in place of 8. The layout is that of onnxruntime's MatMulNBits. It knows nothing of
models or files. Specified in docs/contracts.md, "int4 weights".

    codes  uint8 [N, K/B, B/2]   byte j of a block: element 2j in the low nibble, 2j+1 in the high one
                 [N, K/B, B]     with 8 bits: byte j is element j
    scales f16   [N, K/B]
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from pagelm_builder.quantize.block_format import BlockFormat

INT4 = BlockFormat()
# float16 cannot hold a scale above this; such a weight would be 8 × 65504 and is not a model's
_LARGEST_SCALE = float(np.finfo(np.float16).max)


def quantize_rows(
    weight: NDArray[np.float32], form: BlockFormat = INT4
) -> tuple[NDArray[np.uint8], NDArray[np.float16]]:
    """Quantize whole rows.

    Args:
        weight: `[N, K]`, K a multiple of `form.block_size`.

    Returns:
        codes `[N, K/B, block_bytes]` and scales `[N, K/B]`.
    """
    rows, columns = weight.shape
    assert columns % form.block_size == 0
    blocks = weight.reshape(rows, columns // form.block_size, form.block_size)
    scales = largest_magnitude_scales(blocks, form)
    rounded = scales.astype(np.float32)[..., None]
    quotient = np.divide(blocks, rounded, out=np.zeros_like(blocks), where=rounded != 0)
    # clip before the cast: a quotient by a subnormal scale exceeds every integer type
    codes = np.clip(np.rint(quotient) + form.zero_point, 0, form.largest_code).astype(np.uint8)
    return pack_codes(codes, form), scales


def dequantize_rows(
    codes: NDArray[np.uint8], scales: NDArray[np.float16], form: BlockFormat = INT4
) -> NDArray[np.float32]:
    """The weights `[N, K]` that all graphs compute with: (q - 8) * scale, exact in float32."""
    signed = unpack_codes(codes, form).astype(np.float32) - form.zero_point
    values: NDArray[np.float32] = signed * scales.astype(np.float32)[..., None]
    return values.reshape(codes.shape[0], -1)


def pack_codes(codes: NDArray[np.uint8], form: BlockFormat = INT4) -> NDArray[np.uint8]:
    """`[..., B]` codes → `[..., block_bytes]`; of 4 bits, the even element is the low nibble."""
    if form.bits == 8:
        return codes
    high = np.left_shift(codes[..., 1::2], 4, dtype=np.uint8)
    packed: NDArray[np.uint8] = np.bitwise_or(codes[..., 0::2], high)
    return packed


def unpack_codes(packed: NDArray[np.uint8], form: BlockFormat = INT4) -> NDArray[np.uint8]:
    """The inverse of `pack_codes`."""
    if form.bits == 8:
        return packed
    codes = np.empty((*packed.shape[:-1], 2 * packed.shape[-1]), np.uint8)
    codes[..., 0::2] = packed & 0x0F
    codes[..., 1::2] = packed >> 4
    return codes


def largest_magnitude_scales(blocks: NDArray[np.float32], form: BlockFormat) -> NDArray[np.float16]:
    """Scales `[...]` of blocks `[..., B]`."""
    position = np.abs(blocks).argmax(axis=-1, keepdims=True)
    largest: NDArray[np.float32] = np.take_along_axis(blocks, position, axis=-1)[..., 0]
    return to_float16_range(largest / np.float32(-form.zero_point))


def to_float16_range(scales: NDArray[np.float32]) -> NDArray[np.float16]:
    """Rounded to float16, the largest of which stands for all beyond."""
    return np.clip(scales, -_LARGEST_SCALE, _LARGEST_SCALE).astype(np.float16)
