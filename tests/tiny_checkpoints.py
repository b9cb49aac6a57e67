"""Writes tiny random checkpoints the way `save_pretrained` does, with a real tokenizer beside them.

Shapes are small, but keep what makes each family awkward: heads × head_dim ≠ hidden_size in Qwen3, biases of
the size of the activations in Qwen2, SmolLM2's three queries for a key, Llama 3's scaled rotary positions.
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
from pagelm_builder.rope_scaling import Llama3Scaling, frequency_divisors
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

TINY_QWEN2 = replace(TINY, architecture="Qwen2ForCausalLM", head_dim=32, hidden_size=128)
TINY_LLAMA = replace(
    TINY,
    architecture="LlamaForCausalLM",
    hidden_size=96,
    num_attention_heads=3,
    num_key_value_heads=1,
    rope_theta=1e5,
    rms_norm_eps=1e-5,
)
LLAMA3_SCALING = Llama3Scaling(
    factor=32.0, low_freq_factor=1.0, high_freq_factor=4.0, original_max_position_embeddings=64
)
TINY_LLAMA3 = replace(TINY_LLAMA, rope_theta=5e5, rope_divisors=frequency_divisors(LLAMA3_SCALING, 32, 5e5))

SHAPES = {
    "two query heads per key": TINY,
    "one query head per key": replace(TINY, num_key_value_heads=4, num_hidden_layers=1),
    "one key for all": replace(TINY, num_key_value_heads=1, num_hidden_layers=3, rms_norm_eps=1e-5),
    "wide heads": replace(TINY, head_dim=128, hidden_size=96, rope_theta=1e4),
    "untied, more ids than tokens": replace(TINY, tie_word_embeddings=False, vocab_size=700),
    "Qwen2": TINY_QWEN2,
    "Qwen2, untied": replace(TINY_QWEN2, tie_word_embeddings=False),
    "Llama": TINY_LLAMA,
    "Llama, untied": replace(TINY_LLAMA, tie_word_embeddings=False, num_hidden_layers=1),
    "Llama 3": TINY_LLAMA3,
}


def random_arrays(config: ModelConfig, seed: int = 0) -> Arrays:
    """Float32 weights by checkpoint key, of the size that training leaves them."""
    random = np.random.default_rng(seed)
    arrays: Arrays = {}
    for tensor in model_tensors(config):
        values = random.standard_normal(tensor.shape, dtype=np.float32)
        if tensor.kind == "matrix":
            arrays[tensor.key] = values * np.float32(0.08)
        elif tensor.parameter == "bias":
            arrays[tensor.key] = values
        else:
            arrays[tensor.key] = 1 + values * np.float32(0.2)
    return arrays


class ArraySource:
    """A `TensorSource` over arrays in memory."""

    def __init__(self, arrays: Mapping[str, NDArray[np.float32]]) -> None:
        self._arrays = arrays

    def rows(self, tensor: ModelTensor) -> Iterator[NDArray[np.float32]]:
        yield self._arrays[tensor.key]


class RunsSource(ArraySource):
    """As `ArraySource`, with every matrix in several runs of rows."""

    def rows(self, tensor: ModelTensor) -> Iterator[NDArray[np.float32]]:
        for whole in super().rows(tensor):
            yield from np.array_split(whole, 5) if tensor.kind == "matrix" else [whole]


def config_json(config: ModelConfig) -> dict[str, object]:
    """As transformers 4 spells it, for a model without scaled positions."""
    assert config.rope_divisors is None
    keys = asdict(config)
    del keys["architecture"], keys["rope_divisors"]
    return {
        "architectures": [config.architecture],
        "model_type": config.family.name.lower(),
        "attention_bias": False,
        "hidden_act": "silu",
        "rope_scaling": None,
        "sliding_window": None,
        "use_sliding_window": False,
        "torch_dtype": "bfloat16",
        **keys,
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
