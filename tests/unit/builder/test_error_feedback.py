"""Quantizing one matrix by what it does to its inputs: error feedback, scale search, refinement."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from pagelm_builder.quantize.block_format import BlockFormat
from pagelm_builder.quantize.error_feedback import QuantizedMatrix, make_moments, quantize_with_feedback
from pagelm_builder.quantize.matrix_calibration import quantize_matrix
from pagelm_builder.quantize.refinement import refine
from pagelm_builder.quantize.round_to_nearest import dequantize_rows, quantize_rows, unpack_codes
from pagelm_builder.quantize.scale_search import largest_magnitude, nearest_codes, searched

FORM = BlockFormat()
FORMS = [BlockFormat(4, 16), BlockFormat(4, 32), BlockFormat(4, 128), BlockFormat(8, 32)]
SEEDS = range(5)


def correlated_inputs(seed: int, size: int = 256, tokens: int = 600) -> NDArray[np.float32]:
    """Activations as models have them: few directions carry most, some inputs are much larger than others."""
    random = np.random.default_rng(seed)
    mixing = random.standard_normal((size // 8, size)) * np.exp(random.standard_normal(size))
    inputs = random.standard_normal((tokens, size // 8)) @ mixing + 0.3 * random.standard_normal(
        (tokens, size)
    )
    return inputs.astype(np.float32)


def random_weight(seed: int, rows: int = 48, size: int = 256) -> NDArray[np.float32]:
    return np.random.default_rng(seed + 100).standard_normal((rows, size)).astype(np.float32)


def second_moments(inputs: NDArray[np.float32]) -> NDArray[np.float64]:
    return inputs.T.astype(np.float64) @ inputs / len(inputs)


def output_error(
    weight: NDArray[np.float32], found: NDArray[np.float32], inputs: NDArray[np.float32]
) -> float:
    return float(np.square(inputs @ (weight - found).T).mean())


def loss(weight: NDArray[np.float32], quantized: QuantizedMatrix, moments: NDArray[np.float32]) -> float:
    error = (quantized.weights() - weight).astype(np.float64)
    return float(np.einsum("kn,kl,ln->", error, moments, error))


@pytest.mark.parametrize("form", FORMS, ids=str)
@pytest.mark.parametrize("seed", SEEDS)
def test_outputs_are_closer_than_after_rounding_to_nearest(seed: int, form: BlockFormat) -> None:
    weight, inputs, unseen = random_weight(seed), correlated_inputs(seed), correlated_inputs(seed)[300:]
    moments = second_moments(inputs[:300])
    found = quantize_matrix([weight], moments, form).weights(form)
    nearest = dequantize_rows(*quantize_rows(weight, form), form)
    assert output_error(weight, found, unseen) < 0.7 * output_error(weight, nearest, unseen)


@pytest.mark.parametrize("form", FORMS, ids=str)
def test_stored_bytes_are_as_many_and_laid_out_as_after_rounding_to_nearest(form: BlockFormat) -> None:
    weight = random_weight(0)
    found = quantize_matrix([weight], second_moments(correlated_inputs(0)), form)
    codes, scales = quantize_rows(weight, form)
    assert (found.codes.shape, found.codes.dtype) == (codes.shape, codes.dtype)
    assert (found.scales.shape, found.scales.dtype) == (scales.shape, scales.dtype)
    # the same weights in the same places: errors stay below a few steps of the block's scale
    step = np.abs(found.scales.astype(np.float32)).repeat(form.block_size, axis=1)
    assert (np.abs(found.weights(form) - weight) <= 8 * step).all()


@pytest.mark.parametrize("form", FORMS, ids=str)
@pytest.mark.parametrize("seed", SEEDS)
def test_codes_stay_in_range_and_scales_are_halves(seed: int, form: BlockFormat) -> None:
    weight = np.ascontiguousarray(random_weight(seed).T)
    inputs = make_moments(second_moments(correlated_inputs(seed)))
    for quantized in (
        first := quantize_with_feedback(weight, inputs, form),
        refine(weight, first, inputs, form),
    ):
        assert quantized.codes.min() >= -form.zero_point
        assert quantized.codes.max() <= form.largest_code - form.zero_point
        np.testing.assert_array_equal(quantized.codes, np.rint(quantized.codes))
        np.testing.assert_array_equal(quantized.scales, quantized.scales.astype(np.float16))


@pytest.mark.parametrize("form", FORMS, ids=str)
def test_inputs_that_are_unrelated_and_alike_leave_rounding_to_nearest(form: BlockFormat) -> None:
    weight = random_weight(1)
    inputs = make_moments(np.eye(256))
    found = quantize_with_feedback(np.ascontiguousarray(weight.T), inputs, form, largest_magnitude)
    codes, scales = quantize_rows(weight, form)
    expected = unpack_codes(codes, form).reshape(weight.shape).astype(int) - form.zero_point
    np.testing.assert_array_equal(found.codes.T, expected)
    np.testing.assert_array_equal(found.scales.T, scales)


@pytest.mark.parametrize("block_size", [16, 32, 128])
def test_batched_feedback_is_the_feedback_of_one_input_at_a_time(block_size: int) -> None:
    form = BlockFormat(4, block_size)
    weight = np.ascontiguousarray(random_weight(2).T)
    inputs = make_moments(second_moments(correlated_inputs(2)))
    found = quantize_with_feedback(weight, inputs, form)
    inverse = np.linalg.inv(inputs.moments.astype(np.float64))
    left = weight.astype(np.float64)
    differing = 0
    for k in range(len(weight)):
        if k % block_size == 0:
            block = left[k : k + block_size].astype(np.float32)
            scales = searched(block, inputs.importance[k : k + block_size], form)
        codes = nearest_codes(left[k].astype(np.float32), scales, form)
        differing += int((codes != found.codes[k]).sum())
        error = (left[k] - found.codes[k] * found.scales[k // block_size]) / inverse[0, 0]
        left[k:] -= np.outer(inverse[:, 0], error)
        inverse = inverse[1:, 1:] - np.outer(inverse[1:, 0], inverse[0, 1:]) / inverse[0, 0]
    # float32 against float64: a quotient next to a half may be rounded the other way
    assert differing <= 0.002 * weight.size


@pytest.mark.parametrize("seed", SEEDS)
def test_searched_scales_never_cost_more_than_the_largest_magnitudes(seed: int) -> None:
    random = np.random.default_rng(seed)
    block = random.standard_normal((32, 500)).astype(np.float32)
    importance = np.exp(random.standard_normal(32)).astype(np.float32)

    def cost(scales: NDArray[np.float32]) -> NDArray[np.float32]:
        return importance @ np.square(nearest_codes(block, scales, FORM) * scales - block)

    before, after = (cost(rule(block, importance, FORM)) for rule in (largest_magnitude, searched))
    assert (after <= before).all()
    assert after.mean() < 0.95 * before.mean()


@pytest.mark.parametrize("seed", SEEDS)
def test_each_sweep_of_refinement_lowers_the_loss(seed: int) -> None:
    weight = np.ascontiguousarray(random_weight(seed).T)
    inputs = make_moments(second_moments(correlated_inputs(seed)))
    quantized = quantize_with_feedback(weight, inputs, FORM)
    losses = [loss(weight, quantized, inputs.moments)]
    for _ in range(3):
        quantized = refine(weight, quantized, inputs, FORM)
        losses.append(loss(weight, quantized, inputs.moments))
    assert losses == sorted(losses, reverse=True)
    assert losses[1] < 0.98 * losses[0]


def test_inputs_that_are_always_zero_are_rounded_by_themselves() -> None:
    weight, moments = random_weight(3), second_moments(correlated_inputs(3))
    dead = slice(64, 96)
    moments[dead] = moments[:, dead] = 0
    inputs = make_moments(moments)
    found = quantize_with_feedback(np.ascontiguousarray(weight.T), inputs, FORM, largest_magnitude)
    expected = dequantize_rows(*quantize_rows(np.ascontiguousarray(weight[:, dead])))
    np.testing.assert_array_equal(found.weights().T[:, dead], expected)
    assert np.isfinite(quantize_matrix([weight], moments, FORM).weights(FORM)).all()


def test_without_any_input_all_weights_are_rounded_by_themselves() -> None:
    weight = random_weight(4)
    inputs = make_moments(np.zeros((256, 256)))
    found = quantize_with_feedback(np.ascontiguousarray(weight.T), inputs, FORM, largest_magnitude)
    np.testing.assert_array_equal(found.weights().T, dequantize_rows(*quantize_rows(weight)))


def test_rows_of_zeros_stay_zero() -> None:
    weight = random_weight(5)
    weight[7] = 0
    found = quantize_matrix([weight], second_moments(correlated_inputs(5)), FORM)
    assert not found.weights(FORM)[7].any()


def test_the_same_matrix_gives_the_same_bytes_in_whatever_runs_it_comes() -> None:
    weight, moments = random_weight(6), second_moments(correlated_inputs(6))
    whole, again = (quantize_matrix([weight], moments, FORM) for _ in range(2))
    np.testing.assert_array_equal(whole.codes, again.codes)
    np.testing.assert_array_equal(whole.scales, again.scales)
    runs = quantize_matrix(np.array_split(weight, 3), moments, FORM)
    # products of other shapes may differ in the last bit
    assert (runs.codes != whole.codes).mean() < 0.01


def test_the_arguments_are_left_as_they_were() -> None:
    weight, moments = random_weight(7), second_moments(correlated_inputs(7))
    before = weight.copy(), moments.copy()
    quantize_matrix([weight], moments, FORM, np.eye(256, dtype=np.float32))
    np.testing.assert_array_equal(weight, before[0])
    np.testing.assert_array_equal(moments, before[1])
