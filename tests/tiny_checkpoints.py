"""Writes tiny random Qwen3 checkpoints the way `save_pretrained` does, with a real tokenizer beside them.

Shapes are small, but keep what makes Qwen3 awkward: heads × head_dim ≠ hidden_size and more heads than KV
heads.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import asdict, replace
from pathlib import Path

import ml_dtypes
import numpy as np
from numpy.typing import NDArray
from safetensors.numpy import save_file

from pagelm_builder.config import ModelConfig
from pagelm_builder.pico.vocabulary import make_tokenizer, save_tokenizer
from pagelm_builder.tensors import ModelTensor, model_tensors

Arrays = dict[str, NDArray[np.float32]]

TINY = ModelConfig(
    vocab_size=512,
    hidden_size=64,
    intermediate_size=96,
    num_hidden_layers=2,
    num_attention_heads=4,
    num_key_value_heads=2,
    head_dim=32,
    max_position_embeddings=256,
    rope_theta=1e6,
    rms_norm_eps=1e-6,
    tie_word_embeddings=True,
)

SHAPES = {
    "two query heads per key": TINY,
    "one query head per key": replace(TINY, num_key_value_heads=4, num_hidden_layers=1),
    "one key for all": replace(TINY, num_key_value_heads=1, num_hidden_layers=3, rms_norm_eps=1e-5),
    "wide heads": replace(TINY, head_dim=128, hidden_size=96, rope_theta=1e4),
    "untied, more ids than tokens": replace(TINY, tie_word_embeddings=False, vocab_size=700),
}


def random_arrays(config: ModelConfig, seed: int = 0) -> Arrays:
    """Float32 weights by checkpoint key, of the size that training leaves them."""
    random = np.random.default_rng(seed)
    arrays: Arrays = {}
    for tensor in model_tensors(config):
        values = random.standard_normal(tensor.shape, dtype=np.float32)
        arrays[tensor.key] = (
            values * np.float32(0.08) if tensor.kind == "matrix" else 1 + values * np.float32(0.2)
        )
    return arrays


class ArraySource:
    """A `TensorSource` over arrays in memory."""

    def __init__(self, arrays: Mapping[str, NDArray[np.float32]]) -> None:
        self._arrays = arrays

    def rows(self, tensor: ModelTensor) -> Iterator[NDArray[np.float32]]:
        yield self._arrays[tensor.key]


def config_json(config: ModelConfig) -> dict[str, object]:
    """As transformers 4 spells it."""
    return {
        "architectures": ["Qwen3ForCausalLM"],
        "model_type": "qwen3",
        "attention_bias": False,
        "hidden_act": "silu",
        "rope_scaling": None,
        "sliding_window": None,
        "use_sliding_window": False,
        "torch_dtype": "bfloat16",
        **asdict(config),
    }


def write_config(folder: Path, config: ModelConfig = TINY, **changes: object) -> None:
    """Write config.json; a change to `None` is written as null, one to `...` leaves the key out."""
    folder.mkdir(parents=True, exist_ok=True)
    keys = {key: value for key, value in {**config_json(config), **changes}.items() if value is not ...}
    (folder / "config.json").write_text(json.dumps(keys), encoding="utf-8")


def write_checkpoint(
    folder: Path,
    config: ModelConfig = TINY,
    arrays: Arrays | None = None,
    dtype: type[np.generic] = ml_dtypes.bfloat16,
) -> Path:
    """A whole checkpoint: config, one weight file, tokenizer and chat template."""
    write_config(folder, config)
    weights = random_arrays(config) if arrays is None else arrays
    save_file({key: value.astype(dtype) for key, value in weights.items()}, folder / "model.safetensors")
    save_tokenizer(make_tokenizer(seed=0), folder)
    return folder
