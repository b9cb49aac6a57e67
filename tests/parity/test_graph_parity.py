"""The decoder against transformers' Qwen3 on tiny random models: float32, and int4 on its own weights."""

from __future__ import annotations

import warnings
from dataclasses import asdict, replace

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from graph_sessions import Decoder, dequantized, weight_bytes
from pagelm_builder.components.rotary import inverse_frequencies
from pagelm_builder.config import ModelConfig
from pagelm_builder.variant import FLOAT32, NATIVE, WASM, WEBGPU_F16, WEBGPU_F32, Variant
from pagelm_builder.weights import plan_weights
from tiny_checkpoints import SHAPES, TINY, Arrays, random_arrays

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    from transformers import Qwen3Config, Qwen3ForCausalLM

TOKENS = [int(token) for token in np.random.default_rng(7).integers(0, 512, 37)]
# f16 arithmetic with the head norms that the CPU can run
EMULATED_F16 = replace(WEBGPU_F16, qk_norm="explicit")
EMULATED_TILED = replace(WEBGPU_F32, qk_norm="explicit")


def reference_logits(config: ModelConfig, arrays: Arrays, tokens: list[int]) -> NDArray[np.float32]:
    """transformers' logits after the last token, in float32."""
    keys = asdict(config)
    theta = keys.pop("rope_theta")
    model_config = Qwen3Config(
        **keys, rope_parameters={"rope_type": "default", "rope_theta": theta}, attention_bias=False
    )
    model_config._attn_implementation = "eager"
    model = Qwen3ForCausalLM(model_config).float().eval()
    weights = {key: torch.from_numpy(value) for key, value in arrays.items()}
    missing, unexpected = model.load_state_dict(weights, strict=False)
    assert not unexpected
    assert set(missing) <= {"lm_head.weight"}
    with torch.no_grad():
        logits = model(torch.tensor([tokens])).logits[0, -1]
    return logits.numpy()


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


@pytest.mark.parametrize("variant", [NATIVE, EMULATED_TILED], ids=["native", "webgpu"])
@pytest.mark.parametrize("shape", SHAPES)
def test_int4_logits_are_those_of_the_dequantized_weights(shape: str, variant: Variant) -> None:
    config = SHAPES[shape]
    arrays = random_arrays(config)
    layout = plan_weights(config)
    exact = dequantized(config, layout, weight_bytes(config, layout, arrays), arrays)
    found = Decoder(config, variant, arrays).logits(TOKENS)
    np.testing.assert_allclose(found, reference_logits(config, exact, TOKENS), rtol=0, atol=1e-3)


@pytest.mark.parametrize("shape", SHAPES)
def test_w8a8_stays_close_to_int4(shape: str) -> None:
    config = SHAPES[shape]
    arrays = random_arrays(config)
    int4 = Decoder(config, NATIVE, arrays).logits(TOKENS)
    assert divergence(int4, Decoder(config, WASM, arrays).logits(TOKENS)) < 0.002


def test_float16_stays_close_to_float32() -> None:
    arrays = random_arrays(TINY)
    int4 = Decoder(TINY, NATIVE, arrays).logits(TOKENS)
    found = Decoder(TINY, EMULATED_F16, arrays).logits(TOKENS)
    np.testing.assert_allclose(found, int4, rtol=0, atol=0.01)


@pytest.mark.parametrize("variant", [FLOAT32, NATIVE, WASM, EMULATED_TILED], ids=lambda variant: variant.name)
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
    # W8A8 rounds activations: a difference of one ulp before rounding can become one step after it
    np.testing.assert_allclose(found, whole, rtol=0, atol=0.02 if variant is WASM else 2e-5)


@pytest.mark.parametrize(("head_dim", "theta"), [(128, 1e6), (64, 1e6), (32, 1e4)])
def test_rotary_angles_are_transformers_to_the_last_position(head_dim: int, theta: float) -> None:
    config = replace(TINY, head_dim=head_dim, rope_theta=theta, max_position_embeddings=40960)
    exponents = torch.arange(0, head_dim, 2, dtype=torch.int64).float() / head_dim
    expected = 1.0 / (theta**exponents)
    found = torch.from_numpy(inverse_frequencies(config))
    # float32 powers differ by at most one ulp between libraries
    assert (found - expected).abs().max() <= 6e-8
    assert (found != expected).sum() <= 1
