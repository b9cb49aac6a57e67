"""The decoder against transformers on tiny random models: float32, and int4 on its own weights."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from graph_sessions import Decoder, dequantized, weight_bytes
from pagelm_builder.components.rotary import inverse_frequencies
from pagelm_builder.config import ModelConfig
from pagelm_builder.variant import FLOAT32, NATIVE, WASM, WEBGPU_F16, WEBGPU_F32, Variant
from pagelm_builder.weights import plan_weights
from tiny_checkpoints import SHAPES, TINY, TINY_LLAMA3, Arrays, random_arrays
from transformers_models import all_logits, make_reference

TOKENS = [int(token) for token in np.random.default_rng(7).integers(0, 512, 37)]
# the native graph without rounding activations
EXACT = replace(NATIVE, name="exact", accuracy_level=0)
# f16 arithmetic with the head norms that the CPU can run
EMULATED_F16 = replace(WEBGPU_F16, qk_norm="explicit")
EMULATED_TILED = replace(WEBGPU_F32, qk_norm="explicit")
CPU_VARIANTS = [FLOAT32, NATIVE, EXACT, WASM, EMULATED_TILED]


def reference_logits(config: ModelConfig, arrays: Arrays, tokens: list[int]) -> NDArray[np.float32]:
    """transformers' logits after the last token, in float32."""
    logits: NDArray[np.float32] = all_logits(config, arrays, tokens)[-1]
    return logits


def divergence(expected: NDArray[np.float32], found: NDArray[np.float32]) -> float:
    """KL(expected ‖ found) of the next-token distributions, in nats."""
    p, q = (torch.log_softmax(torch.from_numpy(row).double(), -1) for row in (expected, found))
    return float((p.exp() * (p - q)).sum())


@pytest.mark.parametrize("shape", SHAPES)
def test_float32_logits_are_those_of_transformers(shape: str) -> None:
    config = SHAPES[shape]
    arrays = random_arrays(config)
    found = Decoder(config, FLOAT32, arrays).logits(TOKENS)
    np.testing.assert_allclose(found, reference_logits(config, arrays, TOKENS), rtol=0, atol=1e-4)


@pytest.mark.parametrize("variant", [EXACT, EMULATED_TILED], ids=["native", "webgpu"])
@pytest.mark.parametrize("shape", SHAPES)
def test_int4_logits_are_those_of_the_dequantized_weights(shape: str, variant: Variant) -> None:
    config = SHAPES[shape]
    arrays = random_arrays(config)
    layout = plan_weights(config)
    exact = dequantized(config, layout, weight_bytes(config, layout, arrays), arrays)
    found = Decoder(config, variant, arrays).logits(TOKENS)
    np.testing.assert_allclose(found, reference_logits(config, exact, TOKENS), rtol=0, atol=1e-3)


@pytest.mark.parametrize("variant", [NATIVE, WASM], ids=["native", "wasm"])
@pytest.mark.parametrize("shape", SHAPES)
def test_rounded_activations_stay_close_to_float32_ones(shape: str, variant: Variant) -> None:
    config = SHAPES[shape]
    arrays = random_arrays(config)
    exact = Decoder(config, EXACT, arrays).logits(TOKENS)
    assert divergence(exact, Decoder(config, variant, arrays).logits(TOKENS)) < 0.002


def test_float16_stays_close_to_float32() -> None:
    arrays = random_arrays(TINY)
    int4 = Decoder(TINY, EXACT, arrays).logits(TOKENS)
    found = Decoder(TINY, EMULATED_F16, arrays).logits(TOKENS)
    np.testing.assert_allclose(found, int4, rtol=0, atol=0.01)


@pytest.mark.parametrize("variant", CPU_VARIANTS, ids=lambda variant: variant.name)
@pytest.mark.parametrize(
    "chunks", [(36, 1), (30, 1, 1, 1, 1, 1, 1, 1), (17, 20), (1, 36), (12, 13, 12)], ids=str
)
def test_any_split_into_runs_gives_the_logits_of_one_prefill(
    variant: Variant, chunks: tuple[int, ...]
) -> None:
    arrays = random_arrays(TINY)
    decoder = Decoder(TINY, variant, arrays)
    whole = decoder.logits(TOKENS)
    decoder.reset()
    start = 0
    for size in chunks:
        found = decoder.logits(TOKENS[start : start + size])
        start += size
    # where activations are rounded, a difference of one ulp before can become one step after it
    rounds = variant in (NATIVE, WASM)
    np.testing.assert_allclose(found, whole, rtol=0, atol=0.02 if rounds else 2e-5)


@pytest.mark.parametrize(("head_dim", "theta"), [(128, 1e6), (64, 1e6), (32, 1e4)])
def test_rotary_angles_are_transformers_to_the_last_position(head_dim: int, theta: float) -> None:
    config = replace(TINY, head_dim=head_dim, rope_theta=theta, max_position_embeddings=40960)
    exponents = torch.arange(0, head_dim, 2, dtype=torch.int64).float() / head_dim
    expected = 1.0 / (theta**exponents)
    found = torch.from_numpy(inverse_frequencies(config))
    # float32 powers differ by an ulp between libraries and processors, and so do quotients by them
    assert (found / expected - 1).abs().max() <= 2.4e-7


def test_scaled_rotary_frequencies_are_transformers() -> None:
    expected = make_reference(TINY_LLAMA3).model.rotary_emb.inv_freq
    found = torch.from_numpy(inverse_frequencies(TINY_LLAMA3))
    assert (expected / found - 1).abs().max() <= 1e-6
    # some of the frequencies are left alone, some lie between, some are divided by all of the factor
    assert TINY_LLAMA3.rope_divisors is not None
    assert {1.0, 32.0} < set(TINY_LLAMA3.rope_divisors)
