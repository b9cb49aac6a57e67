"""config.json of a Qwen3 checkpoint as one frozen value.

Reads the keys that the decoder needs and refuses, by name, every setting that it does not implement. It
guesses nothing: `head_dim` is a key of its own (128 in Qwen3-0.6B, where hidden / heads is 64) and its
absence is an error. It knows nothing of tensors. Follows transformers' Qwen3Config, in the spelling of
version 4 and of version 5.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

from pagelm_builder.errors import ArchitectureError, ConfigError

ARCHITECTURE = "Qwen3ForCausalLM"
BLOCK_SIZE = 32

JsonValue: TypeAlias = "str | int | float | bool | list[JsonValue] | dict[str, JsonValue] | None"
Keys: TypeAlias = Mapping[str, JsonValue]


@dataclass(frozen=True, slots=True)
class ModelConfig:
    """The numbers that fix the decoder's shape; names are those of config.json."""

    vocab_size: int
    hidden_size: int
    intermediate_size: int
    num_hidden_layers: int
    num_attention_heads: int
    num_key_value_heads: int
    head_dim: int
    max_position_embeddings: int
    rope_theta: float
    rms_norm_eps: float
    tie_word_embeddings: bool

    @property
    def query_size(self) -> int:
        """Width of all query heads together; not hidden_size in general."""
        return self.num_attention_heads * self.head_dim

    @property
    def key_value_size(self) -> int:
        """Width of all key heads (or value heads) together."""
        return self.num_key_value_heads * self.head_dim


def read_config(folder: Path) -> ModelConfig:
    """Read and check `folder/config.json`.

    Raises:
        ConfigError: the file is missing or broken, a key is missing or of the wrong type, or a setting is not
            implemented.
        ArchitectureError: the checkpoint is not a dense Qwen3.
    """
    path = folder / "config.json"
    keys = _read_json(path)
    _check_architecture(keys, path)
    _refuse_unsupported(keys, path)
    config = ModelConfig(
        vocab_size=_positive_int(keys, "vocab_size", path),
        hidden_size=_positive_int(keys, "hidden_size", path),
        intermediate_size=_positive_int(keys, "intermediate_size", path),
        num_hidden_layers=_positive_int(keys, "num_hidden_layers", path),
        num_attention_heads=_positive_int(keys, "num_attention_heads", path),
        num_key_value_heads=_positive_int(keys, "num_key_value_heads", path),
        head_dim=_positive_int(keys, "head_dim", path),
        max_position_embeddings=_positive_int(keys, "max_position_embeddings", path),
        rope_theta=_positive_float(_rope_keys(keys), "rope_theta", path),
        rms_norm_eps=_positive_float(keys, "rms_norm_eps", path),
        tie_word_embeddings=_bool(keys, "tie_word_embeddings", path),
    )
    _check_shape(config, path)
    return config


def _read_json(path: Path) -> Keys:
    try:
        value = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise ConfigError(
            f"{path} is missing",
            expected="a folder with config.json, *.safetensors and the tokenizer's files",
            remedy="Pass the checkpoint's folder.",
        ) from None
    except (UnicodeDecodeError, json.JSONDecodeError) as error:
        raise ConfigError(
            f"{path} cannot be read: {error}", expected="a JSON object", remedy="Download the file again."
        ) from error
    if not isinstance(value, dict):
        raise ConfigError(
            f"{path} holds a {type(value).__name__}",
            expected="a JSON object",
            remedy="Download the file again.",
        )
    return value


def _check_architecture(keys: Keys, path: Path) -> None:
    architectures = keys.get("architectures")
    if architectures != [ARCHITECTURE]:
        raise ArchitectureError(
            f"{path}: architectures is {architectures!r}",
            expected=f"[{ARCHITECTURE!r}]",
            remedy="pagelm builds dense Qwen3 decoders only; pick such a checkpoint.",
        )


def _rope_keys(keys: Keys) -> Keys:
    """transformers 5 keeps rope_theta inside rope_parameters; version 4 at the top."""
    parameters = keys.get("rope_parameters")
    return parameters if isinstance(parameters, dict) else keys


def _refuse_unsupported(keys: Keys, path: Path) -> None:
    """Refuse every setting that would change the arithmetic without changing a tensor's shape."""
    layer_types = keys.get("layer_types")
    layers_are_full = not layer_types or (
        isinstance(layer_types, list) and all(kind == "full_attention" for kind in layer_types)
    )
    scaling = keys.get("rope_scaling")
    rope_type = _rope_keys(keys).get("rope_type", "default")
    checks: list[tuple[str, JsonValue, bool, str]] = [
        ("hidden_act", keys.get("hidden_act"), keys.get("hidden_act") == "silu", "'silu'"),
        ("attention_bias", keys.get("attention_bias"), not keys.get("attention_bias"), "false"),
        ("use_sliding_window", keys.get("use_sliding_window"), not keys.get("use_sliding_window"), "false"),
        ("layer_types", layer_types, layers_are_full, "'full_attention' in every layer"),
        ("rope_scaling", scaling, scaling is None, "null"),
        ("rope_type", rope_type, rope_type == "default", "'default'"),
        ("num_experts", keys.get("num_experts"), not keys.get("num_experts"), "no experts"),
        ("quantization_config", "present", not keys.get("quantization_config"), "bf16, f16 or f32 weights"),
    ]
    for key, found, supported, expected in checks:
        if not supported:
            raise ConfigError(
                f"{path}: {key} is {found!r}, which is not implemented",
                expected=expected,
                remedy="Pick a checkpoint without it.",
            )


def _check_shape(config: ModelConfig, path: Path) -> None:
    for key in ("hidden_size", "intermediate_size", "head_dim"):
        size: int = getattr(config, key)
        if size % BLOCK_SIZE:
            raise ConfigError(
                f"{path}: {key} is {size}",
                expected=f"a multiple of {BLOCK_SIZE}, the block of the int4 weights",
                remedy="Pick a checkpoint of another shape.",
            )
    if config.num_attention_heads % config.num_key_value_heads:
        raise ConfigError(
            f"{path}: num_attention_heads {config.num_attention_heads} cannot be shared by "
            f"num_key_value_heads {config.num_key_value_heads}",
            expected="a multiple",
            remedy="Check the file: these two keys disagree.",
        )


def _required(keys: Keys, key: str, path: Path) -> JsonValue:
    if key not in keys:
        raise ConfigError(
            f"{path} lacks the key {key!r}",
            expected="every key of a Qwen3 config; none is derived from the others",
            remedy=f"Add {key} as the model was trained with.",
        )
    return keys[key]


def _wrong_value(path: Path, key: str, value: JsonValue, expected: str) -> ConfigError:
    return ConfigError(f"{path}: {key} is {value!r}", expected=expected, remedy="Correct the key.")


def _positive_int(keys: Keys, key: str, path: Path) -> int:
    value = _required(keys, key, path)
    if isinstance(value, bool) or not isinstance(value, int) or value < 1:
        raise _wrong_value(path, key, value, "a positive integer")
    return value


def _positive_float(keys: Keys, key: str, path: Path) -> float:
    value = _required(keys, key, path)
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 < value < float("inf"):
        raise _wrong_value(path, key, value, "a positive number")
    return float(value)


def _bool(keys: Keys, key: str, path: Path) -> bool:
    value = _required(keys, key, path)
    if not isinstance(value, bool):
        raise _wrong_value(path, key, value, "true or false")
    return value
