"""The context that a budget of memory holds: by the rule, and in a real backend."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from pagelm import LanguageModel
from pagelm.config import ModelConfig
from pagelm.errors import ContextOverflowError, DeviceMemoryError
from pagelm.key_value_budget import key_value_bytes_per_token, positions_within
from pagelm.manifest import load_manifest
from random_bundle import export_random_bundle

MEBIBYTE = 2**20
QWEN3_SHAPE = ModelConfig(
    architecture="Qwen3ForCausalLM",
    vocab_size=151_936,
    hidden_size=1024,
    intermediate_size=3072,
    num_hidden_layers=28,
    num_attention_heads=16,
    num_key_value_heads=8,
    head_dim=128,
    max_position_embeddings=40_960,
    rope_theta=1_000_000.0,
    rms_norm_eps=1e-6,
    tie_word_embeddings=True,
)


def test_qwen3_takes_112_kib_a_token_in_float16() -> None:
    assert key_value_bytes_per_token(QWEN3_SHAPE, "float16") == 112 * 1024
    assert positions_within(QWEN3_SHAPE, "float16", 1024 * MEBIBYTE) == 9362
    assert positions_within(QWEN3_SHAPE, "float32", 1024 * MEBIBYTE) == 4681


def test_no_budget_gives_more_positions_than_the_model_has() -> None:
    assert positions_within(QWEN3_SHAPE, "float16", None) == 40_960
    assert positions_within(QWEN3_SHAPE, "float16", 2**40) == 40_960


def test_a_budget_for_no_conversation_is_refused_with_what_would_do() -> None:
    with pytest.raises(DeviceMemoryError, match=r"45 tokens .expected at least 117440512 bytes"):
        positions_within(QWEN3_SHAPE, "float32", 10 * MEBIBYTE)


def test_the_native_cache_never_takes_more_than_its_budget(tmp_path: Path) -> None:
    bundle = export_random_bundle(tmp_path, positions=1024)
    budget = 600 * key_value_bytes_per_token(load_manifest(bundle).model, "float32")

    async def fill() -> None:
        model = await LanguageModel.load(bundle, memory_budget=budget)
        assert model.context_size == 600
        backend = model.engine.backend
        await backend.prefill([1] * 600, 0)
        assert backend.key_value_bytes == budget
        backend.truncate(0)
        with pytest.raises(ContextOverflowError, match="context of 600"):
            async for _ in model.generate("1 " * 700):
                pass
        await model.close()

    asyncio.run(fill())
