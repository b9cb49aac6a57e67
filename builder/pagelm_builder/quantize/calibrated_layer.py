"""Quantizes one decoder layer with what its linear layers are fed, in the order in which they are fed.

Two models run side by side over the same tokens: the reference, and the one whose earlier layers are
quantized already. A linear layer is fitted to give what the reference gives from the inputs that it will
really get, so that errors of earlier layers are undone as far as they can be, instead of adding up (Li et al.
2025, "GPTAQ"). It knows neither files nor the head.

    inputs x (quantized model), x' (reference)   H = xᵀx / tokens, C = xᵀ(x' − x) / tokens
    W* = W + W Cᵀ (H + ridge)⁻¹                  what minimizes |W x' − W* x|², pulled towards W
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pagelm_builder.config import ModelConfig
from pagelm_builder.quantize.block_format import BlockFormat
from pagelm_builder.quantize.matrix_calibration import CalibratedMatrix, quantize_matrix
from pagelm_builder.quantize.smoothing import choose_factors, is_smoothed
from pagelm_builder.reference.decoder_layer import (
    TOKENS_AT_ONCE,
    Floats,
    LayerWeights,
    Rotary,
    apply_linear,
    attend,
    gated,
    rms_norm,
)
from pagelm_builder.tensors import inputs_name

# of the mean second moment: how strongly weights are held to where they were before they make good the past
RIDGE = 0.2


@dataclass(frozen=True, slots=True)
class Activations:
    """One activation `[tokens, size]` of both models."""

    found: Floats
    reference: Floats


@dataclass(frozen=True, slots=True)
class InputStatistics:
    """Second moments `[size, size]` of a linear layer's inputs, and how they lag behind the reference's."""

    moments: NDArray[np.float64]
    lag: NDArray[np.float64]


def measure(inputs: Activations) -> InputStatistics:
    """H and C of above; products in float32, some tokens at a time, sums in float64."""
    tokens, size = inputs.found.shape
    moments, lag = np.zeros((2, size, size))
    for start in range(0, tokens, TOKENS_AT_ONCE):
        found = inputs.found[start : start + TOKENS_AT_ONCE]
        moments += found.T @ found
        lag += found.T @ (inputs.reference[start : start + TOKENS_AT_ONCE] - found)
    return InputStatistics(moments / tokens, lag / tokens)


class LayerCalibration:
    """One layer quantized; `matrices` and `input_factors` are the results, by names within the layer."""

    def __init__(
        self,
        config: ModelConfig,
        weights: LayerWeights,
        form: BlockFormat,
        rotary: Rotary,
        lengths: Sequence[int],
    ) -> None:
        self.matrices: dict[str, CalibratedMatrix] = {}
        self.input_factors: dict[str, Floats] = {}
        self._config = config
        self._reference = weights
        self._found = dict(weights)
        self._form = form
        self._rotary = rotary
        self._lengths = tuple(lengths)

    def run(self, hidden: Activations) -> Activations:
        """Quantize everything; returns the layer's outputs of both models. `hidden` is changed."""
        normed = self._normalize(hidden, "input_layernorm")
        self._quantize([f"self_attn.{name}_proj" for name in ("q", "k", "v")], normed)
        attended = Activations(
            self._attend(self._found, normed.found), self._attend(self._reference, normed.reference)
        )
        self._quantize(["self_attn.o_proj"], attended)
        self._add_outputs(hidden, "self_attn.o_proj", attended)
        normed = self._normalize(hidden, "post_attention_layernorm")
        self._quantize(["mlp.gate_proj", "mlp.up_proj"], normed)
        fed = Activations(
            self._feed(self._found, normed.found), self._feed(self._reference, normed.reference)
        )
        self._quantize(["mlp.down_proj"], fed)
        self._add_outputs(hidden, "mlp.down_proj", fed)
        return hidden

    def _quantize(self, names: Sequence[str], inputs: Activations) -> None:
        """Quantize layers that share their inputs."""
        statistics = measure(inputs)
        matrix = np.concatenate([self._reference[f"{name}.weight"] for name in names])
        calibrated = quantize_matrix([matrix], statistics.moments, self._form, correction(statistics))
        start = 0
        for name in names:
            rows = slice(start, start + len(self._reference[f"{name}.weight"]))
            self.matrices[name] = calibrated.rows(rows)
            self._found[f"{name}.weight"] = self.matrices[name].weights(self._form)
            start = rows.stop
        factors = choose_factors(inputs.found, calibrated.weights(self._form))
        if is_smoothed(factors):
            self.input_factors[inputs_name(names[0])] = factors

    def _normalize(self, hidden: Activations, name: str) -> Activations:
        weight, epsilon = self._reference[f"{name}.weight"], self._config.rms_norm_eps
        return Activations(
            rms_norm(hidden.found, weight, epsilon), rms_norm(hidden.reference, weight, epsilon)
        )

    def _attend(self, weights: LayerWeights, normed: Floats) -> Floats:
        query, key, value = (
            apply_linear(weights, f"self_attn.{name}_proj", normed) for name in ("q", "k", "v")
        )
        return attend(self._config, weights, (query, key, value), self._rotary, self._lengths)

    def _feed(self, weights: LayerWeights, normed: Floats) -> Floats:
        fed = np.empty((len(normed), self._config.intermediate_size), np.float32)
        for start in range(0, len(normed), TOKENS_AT_ONCE):
            some = slice(start, start + TOKENS_AT_ONCE)
            gate, up = (apply_linear(weights, f"mlp.{name}_proj", normed[some]) for name in ("gate", "up"))
            fed[some] = gated(gate, up)
        return fed

    def _add_outputs(self, hidden: Activations, name: str, inputs: Activations) -> None:
        for start in range(0, len(inputs.found), TOKENS_AT_ONCE):
            some = slice(start, start + TOKENS_AT_ONCE)
            hidden.found[some] += apply_linear(self._found, name, inputs.found[some])
            hidden.reference[some] += apply_linear(self._reference, name, inputs.reference[some])


def correction(statistics: InputStatistics) -> Floats:
    """`(H + ridge)⁻¹ C`, `[size, size]`: times the transposed weights, it is what W* adds to them."""
    mean = float(np.diag(statistics.moments).mean())
    damped = statistics.moments + np.eye(len(statistics.moments)) * (RIDGE * mean or 1.0)
    return np.linalg.solve(damped, statistics.lag).astype(np.float32)
