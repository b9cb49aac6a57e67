"""Rounds the inputs of a linear layer one after the other and lets the later ones make good what is lost.

What counts is not how far weights move but how far outputs do: with second moments H of the inputs, a row's
loss is e H eᵀ for its error e. After an input's weights are rounded, the best change of all inputs still to
come is known in closed form. It is applied at once within a block of inputs, and to the rest in one matrix
product per 128 inputs. Frantar et al. 2022, "GPTQ". Matrices are transposed, `[inputs, rows]`, so that an
input's weights lie together; rows are independent of each other. It knows neither layers nor files.

    H + damping = R Rᵀ, U = R⁻¹ (upper)     error of k / U[k, k] · U[k, k+1:] is taken off the later ones
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pagelm_builder.quantize.block_format import BlockFormat
from pagelm_builder.quantize.scale_search import Floats, ScaleRule, nearest_codes, searched

# of the mean second moment, added to each: keeps directions that calibration hardly saw from being exploited
DAMPING = 0.01
# inputs whose errors reach the later ones in one matrix product
INPUTS_AT_ONCE = 128


@dataclass(frozen=True, slots=True)
class InputMoments:
    """What is known of a layer's inputs.

    Attributes:
        moments: Damped second moments, `[inputs, inputs]`.
        feedback: U of above.
        importance: What one input's squared error costs when the later ones make good what they can.
    """

    moments: Floats
    feedback: Floats
    importance: Floats


@dataclass(frozen=True, slots=True)
class QuantizedMatrix:
    """Signed codes `[inputs, rows]`, as float32, and scales `[inputs / block_size, rows]`."""

    codes: Floats
    scales: Floats

    def weights(self) -> Floats:
        """What the codes stand for, `[inputs, rows]`."""
        return self.codes * self.scales.repeat(len(self.codes) // len(self.scales), axis=0)


def make_moments(second_moments: NDArray[np.float64], damping: float = DAMPING) -> InputMoments:
    """Prepare second moments `[inputs, inputs]`; inputs that are always 0 are fine, all of them too."""
    mean = float(np.diag(second_moments).mean())
    damped = second_moments + np.eye(len(second_moments)) * (damping * mean or 1.0)
    reversed_factor = np.linalg.cholesky(damped[::-1, ::-1])
    feedback = np.linalg.inv(reversed_factor[::-1, ::-1])
    return InputMoments(
        moments=damped.astype(np.float32),
        feedback=feedback.astype(np.float32),
        importance=(1 / np.diag(feedback) ** 2).astype(np.float32),
    )


def quantize_with_feedback(
    weight: Floats, inputs: InputMoments, form: BlockFormat, choose_scales: ScaleRule = searched
) -> QuantizedMatrix:
    """Quantize a matrix.

    Args:
        weight: `[inputs, rows]`; not changed.
        choose_scales: Sees each block as the inputs before it have left it.
    """
    weight = weight.copy()
    codes = np.empty_like(weight)
    scales = np.empty((len(weight) // form.block_size, weight.shape[1]), np.float32)
    step = max(INPUTS_AT_ONCE, form.block_size)
    for start in range(0, len(weight), step):
        stop = min(start + step, len(weight))
        errors = np.empty((stop - start, weight.shape[1]), np.float32)
        for first in range(start, stop, form.block_size):
            block = slice(first, first + form.block_size)
            row = scales[first // form.block_size]
            row[:] = choose_scales(weight[block], inputs.importance[block], form)
            errors[first - start : block.stop - start] = _round_block(
                weight[block], codes[block], row, inputs.feedback[block, block], form
            )
            later = inputs.feedback[block, block.stop : stop]
            weight[block.stop : stop] -= later.T @ errors[first - start : block.stop - start]
        weight[stop:] -= inputs.feedback[start:stop, stop:].T @ errors
    return QuantizedMatrix(codes, scales)


def _round_block(
    weight: Floats, codes: Floats, scales: Floats, feedback: Floats, form: BlockFormat
) -> Floats:
    """Round a block's inputs in turn: fills `codes`, changes `weight`, returns errors `[block, rows]`."""
    errors = np.empty_like(weight)
    for k in range(len(weight)):
        codes[k] = nearest_codes(weight[k], scales, form)
        np.subtract(weight[k], codes[k] * scales, out=errors[k])
        errors[k] /= feedback[k, k]
        weight[k + 1 :] -= feedback[k, k + 1 :, None] * errors[k]
    return errors
