"""Quantizing a whole model with a text: closer than rounding to nearest, for every family and format."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import pytest
from numpy.typing import NDArray

from pagelm_builder.config import ModelConfig
from pagelm_builder.distributions import log_softmax
from pagelm_builder.quantize.block_format import WeightFormat
from pagelm_builder.quantize.calibrated_layer import Activations, correction, measure
from pagelm_builder.quantize.calibration import calibrate
from pagelm_builder.quantize.matrix_calibration import CalibratedMatrix
from pagelm_builder.quantize.round_to_nearest import quantize_rows
from pagelm_builder.reference.decoder import ReferenceDecoder
from pagelm_builder.tensors import ModelTensor, head_name, inputs_name, model_tensors
from tiny_checkpoints import SHAPES, TINY, Arrays, ArraySource, random_arrays

FORMAT = WeightFormat()


def token_ids(seed: int) -> list[list[int]]:
    """Few tokens make most of a text; sequences of several lengths."""
    random = np.random.default_rng(seed)
    return [
        [int(token) for token in random.geometric(0.02, length) % 512] for length in (60, 50, 1, 60, 60, 40)
    ]


def nothing(done: int, total: int) -> None: ...


def dequantized(arrays: Arrays, config: ModelConfig, matrices: dict[str, CalibratedMatrix]) -> Arrays:
    result = dict(arrays)
    for name, matrix in matrices.items():
        form = FORMAT.head if name == head_name(config) else FORMAT.body
        result[f"{name}.weight"] = matrix.weights(form)
    return result


def rounded(arrays: Arrays, config: ModelConfig) -> dict[str, CalibratedMatrix]:
    return {
        tensor.name: CalibratedMatrix(*quantize_rows(arrays[tensor.key]))
        for tensor in model_tensors(config)
        if tensor.kind == "matrix"
    }


def log_probabilities(config: ModelConfig, arrays: Arrays, sequences: list[list[int]]) -> NDArray[np.float64]:
    decoder = ReferenceDecoder(config, ArraySource(arrays))
    return log_softmax(decoder.final_hidden(sequences) @ decoder.read_head().T)


def divergence(expected: NDArray[np.float64], found: NDArray[np.float64]) -> float:
    return float((np.exp(expected) * (expected - found)).sum(axis=1).mean())


@pytest.mark.parametrize("shape", SHAPES)
def test_unseen_text_is_predicted_closer_to_the_checkpoint(shape: str) -> None:
    config = SHAPES[shape]
    arrays = random_arrays(config)
    seen, unseen = [sequence for seed in range(4) for sequence in token_ids(seed)], token_ids(5)
    matrices = calibrate(config, ArraySource(arrays), seen, FORMAT, nothing).matrices
    expected = log_probabilities(config, arrays, unseen)
    calibrated, nearest = (
        divergence(expected, log_probabilities(config, dequantized(arrays, config, each), unseen))
        for each in (matrices, rounded(arrays, config))
    )
    assert calibrated < 0.8 * nearest


@pytest.mark.parametrize("config", [TINY, SHAPES["untied, more ids than tokens"]], ids=["tied", "untied"])
def test_every_matrix_is_there_in_its_format(config: ModelConfig) -> None:
    weight_format = WeightFormat(head_bits=8, block_size=16)
    source = ArraySource(random_arrays(config))
    matrices = calibrate(config, source, token_ids(1), weight_format, nothing).matrices
    expected = {tensor.name: tensor for tensor in model_tensors(config) if tensor.kind == "matrix"}
    assert matrices.keys() == expected.keys()
    for name, matrix in matrices.items():
        form = weight_format.head if name == head_name(config) else weight_format.body
        rows, columns = expected[name].shape
        assert matrix.codes.shape == (rows, columns // 16, form.block_bytes)
        assert matrix.scales.shape == (rows, columns // 16)


@pytest.mark.parametrize("config", [TINY, SHAPES["untied, more ids than tokens"]], ids=["tied", "untied"])
def test_a_channel_that_a_norm_makes_loud_is_quieted_wherever_it_is_read(config: ModelConfig) -> None:
    arrays = random_arrays(config)
    norms = ("model.layers.0.input_layernorm", "model.layers.1.post_attention_layernorm", "model.norm")
    for norm in norms:
        arrays[f"{norm}.weight"][5] *= 30
    factors = calibrate(config, ArraySource(arrays), token_ids(1), FORMAT, nothing).input_factors
    head = inputs_name(head_name(config))
    for inputs in ("model.layers.0.self_attn.qkv.inputs", "model.layers.1.mlp.gate_up.inputs", head):
        assert factors[inputs].argmin() == 5
        assert factors[inputs][5] <= 0.25


def test_the_same_text_gives_the_same_bytes() -> None:
    source = ArraySource(random_arrays(TINY))
    one, other = (calibrate(TINY, source, token_ids(1), FORMAT, nothing).matrices for _ in range(2))
    for name, matrix in one.items():
        np.testing.assert_array_equal(matrix.codes, other[name].codes, err_msg=name)
        np.testing.assert_array_equal(matrix.scales, other[name].scales, err_msg=name)


@pytest.mark.parametrize("tied", [True, False])
def test_progress_counts_up_to_its_total(tied: bool) -> None:
    config = replace(TINY, tie_word_embeddings=tied)
    calls: list[tuple[int, int]] = []
    calibrate(
        config, ArraySource(random_arrays(config)), token_ids(1), FORMAT, lambda *call: calls.append(call)
    )
    total = calls[-1][1]
    assert calls == [(done, total) for done in range(1, total + 1)]


def test_the_checkpoint_is_read_and_not_written() -> None:
    arrays = random_arrays(TINY)

    class ReadOnly(ArraySource):
        def rows(self, tensor: ModelTensor) -> Iterator[NDArray[np.float32]]:
            for whole in super().rows(tensor):
                whole.flags.writeable = False
                yield whole

    calibrate(TINY, ReadOnly(arrays), token_ids(1), FORMAT, nothing)


@pytest.fixture
def drifted() -> Activations:
    """Inputs of a layer behind quantized ones: those of the reference, mixed and noisy."""
    random = np.random.default_rng(0)
    reference = random.standard_normal((5000, 32)).astype(np.float32)
    mixing = np.eye(32) + 0.1 * random.standard_normal((32, 32))
    found = reference @ mixing + 0.05 * random.standard_normal((5000, 32))
    return Activations(found.astype(np.float32), reference)


def test_corrected_weights_give_what_the_reference_gives(drifted: Activations) -> None:
    weight = np.random.default_rng(1).standard_normal((32, 8)).astype(np.float32)
    corrected = weight + correction(measure(drifted)) @ weight
    expected = drifted.reference @ weight
    before, after = (np.square(drifted.found @ each - expected).mean() for each in (weight, corrected))
    assert after < 0.3 * before


def test_inputs_that_did_not_drift_correct_nothing(drifted: Activations) -> None:
    assert not correction(measure(Activations(drifted.reference, drifted.reference))).any()


def test_statistics_are_means_over_tokens(drifted: Activations) -> None:
    statistics = measure(drifted)
    found, lag = drifted.found.astype(float), (drifted.reference - drifted.found).astype(float)
    np.testing.assert_allclose(statistics.moments, found.T @ found / 5000, rtol=0, atol=1e-5)
    np.testing.assert_allclose(statistics.lag, found.T @ lag / 5000, rtol=0, atol=1e-5)
