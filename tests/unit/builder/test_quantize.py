"""int4 codes and int8 expansion against plain loops over single weights."""

from __future__ import annotations

import hashlib
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from pagelm_builder.quantize.block_format import BLOCK_SIZES, BlockFormat
from pagelm_builder.quantize.expansion import expand_rows
from pagelm_builder.quantize.round_to_nearest import (
    dequantize_rows,
    pack_codes,
    quantize_rows,
    unpack_codes,
)

FINITE = st.floats(-1e4, 1e4, width=32)
FORMATS = [BlockFormat(bits, size) for bits in (4, 8) for size in BLOCK_SIZES]
EVERY_FORMAT = pytest.mark.parametrize("form", FORMATS, ids=str)


def matrices(block_size: int = 32) -> st.SearchStrategy[np.ndarray]:
    return st.tuples(st.integers(1, 4), st.integers(1, 3)).flatmap(
        lambda size: arrays(np.float32, (size[0], block_size * size[1]), elements=FINITE)
    )


def reference_block(block: list[float], bits: int) -> tuple[list[int], float]:
    """One block, value by value, as docs/contracts.md words it."""
    zero = 2 ** (bits - 1)
    largest = max(block, key=abs)
    scale = float(np.float16(np.float32(largest) / np.float32(-zero)))
    if scale == 0:
        return [zero] * len(block), scale
    quotients = [float(np.float32(value) / np.float32(scale)) for value in block]
    return [min(2**bits - 1, max(0, round(quotient) + zero)) for quotient in quotients], scale


@EVERY_FORMAT
@settings(deadline=None, max_examples=25)
@given(data=st.data())
def test_codes_and_scales_are_the_specified_ones(form: BlockFormat, data: st.DataObject) -> None:
    weight = data.draw(matrices(form.block_size))
    codes, scales = quantize_rows(weight, form)
    flat = unpack_codes(codes, form)
    size = form.block_size
    for row in range(weight.shape[0]):
        for block in range(weight.shape[1] // size):
            values = [float(value) for value in weight[row, size * block : size * block + size]]
            expected, scale = reference_block(values, form.bits)
            assert flat[row, block].tolist() == expected
            assert float(scales[row, block]) == scale


def test_codes_of_eight_bits_are_a_byte_each() -> None:
    codes = np.arange(240, 256, dtype=np.uint8)
    assert pack_codes(codes, BlockFormat(8, 16)).tolist() == list(range(240, 256))


def test_bytes_of_a_seeded_matrix_are_those_of_every_bundle_so_far() -> None:
    weight = np.random.default_rng(0).standard_normal((64, 256), dtype=np.float32)
    codes, scales = quantize_rows(weight)
    digest = hashlib.sha256(codes.tobytes() + scales.tobytes()).hexdigest()
    assert digest == "41e2d617ee1d2f0782ea50ca47061e304de4919034f5b7f5ff99a73c6ecd6df4"


def test_layout_is_low_nibble_first() -> None:
    codes = np.arange(16, dtype=np.uint8)
    assert pack_codes(codes).tolist() == [0x10, 0x32, 0x54, 0x76, 0x98, 0xBA, 0xDC, 0xFE]


def test_shapes_and_dtypes_are_those_of_the_contract() -> None:
    codes, scales = quantize_rows(np.ones((5, 96), np.float32))
    assert (codes.shape, codes.dtype, scales.shape, scales.dtype) == (
        (5, 3, 16),
        np.uint8,
        (5, 3),
        np.float16,
    )


@settings(deadline=None)
@given(matrices())
def test_weight_of_the_largest_magnitude_survives(weight: np.ndarray) -> None:
    restored = dequantize_rows(*quantize_rows(weight))
    blocks, found = weight.reshape(-1, 32), restored.reshape(-1, 32)
    at = np.abs(blocks).argmax(1)
    rows = np.arange(len(blocks))
    np.testing.assert_allclose(found[rows, at], blocks[rows, at], rtol=2**-10, atol=1e-6)


def test_error_is_at_most_half_a_step_inside_the_range() -> None:
    weight = np.random.default_rng(0).standard_normal((64, 256)).astype(np.float32)
    codes, scales = quantize_rows(weight)
    step = np.abs(scales.astype(np.float32)).repeat(32, axis=1)
    clipped = unpack_codes(codes).reshape(64, 256) == 15
    error = np.abs(dequantize_rows(codes, scales) - weight)
    assert (error[~clipped] <= 0.5001 * step[~clipped]).all()
    # +8 has no code: what rounds there is at most one step off
    assert (error <= 1.001 * step).all()


def test_zero_block_stays_zero() -> None:
    codes, scales = quantize_rows(np.zeros((1, 32), np.float32))
    assert (codes == 0x88).all()
    assert (dequantize_rows(codes, scales) == 0).all()


@EVERY_FORMAT
@settings(deadline=None, max_examples=25)
@given(data=st.data())
def test_expansion_is_the_specified_one(form: BlockFormat, data: st.DataObject) -> None:
    weight = data.draw(matrices(form.block_size))
    codes, scales = quantize_rows(weight, form)
    int4 = dequantize_rows(codes, scales, form)
    expanded, channel_scales = expand_rows(codes, scales, form)
    assert expanded.shape == weight.shape[::-1]
    for row, values in enumerate(int4):
        largest = max(abs(float(value)) for value in values)
        scale = float(np.float32(largest / 127)) or 1.0
        assert float(channel_scales[row]) == scale
        assert expanded[:, row].tolist() == [math.floor(float(value) / scale + 0.5) for value in values]


@EVERY_FORMAT
def test_weights_are_divided_by_the_factors_of_their_inputs(form: BlockFormat) -> None:
    random = np.random.default_rng(3)
    codes, scales = quantize_rows(random.standard_normal((5, 256)).astype(np.float32), form)
    factors = (2.0 ** (-random.integers(0, 9, 256) / 4)).astype(np.float32)
    expanded, channel_scales = expand_rows(codes, scales, form, factors)
    divided = dequantize_rows(codes, scales, form).astype(np.float64) / factors
    expected = (np.abs(divided).max(axis=1) / 127).astype(np.float32)
    np.testing.assert_array_equal(channel_scales, expected)
    np.testing.assert_array_equal(expanded.T, np.floor(divided / expected[:, None].astype(np.float64) + 0.5))


@pytest.mark.parametrize("seed", range(5))
def test_expansion_never_leaves_plus_minus_127(seed: int) -> None:
    weight = np.random.default_rng(seed).standard_normal((128, 64)).astype(np.float32)
    expanded, _ = expand_rows(*quantize_rows(weight))
    assert np.abs(expanded.astype(int)).max() == 127
