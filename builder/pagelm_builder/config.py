"""config.json of a checkpoint as one frozen value.

Reads the keys that the decoder needs and refuses, by name, every setting that it does not implement. It
guesses nothing: a missing key is an error, except `head_dim` in families whose own config class derives it
(128 in Qwen3-0.6B, where hidden / heads is 64). It knows nothing of tensors. Follows transformers' config
classes, in the spelling of version 4 and of version 5.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from pagelm_builder.config_keys import JsonValue as JsonValue
from pagelm_builder.config_keys import Keys, boolean, positive_float, positive_int, read_keys
from pagelm_builder.errors import ArchitectureError, ConfigError
from pagelm_builder.families import FAMILIES, Architecture, Family
from pagelm_builder.rope_scaling import Llama3Scaling, frequency_divisors

BLOCK_SIZE = 32
MOST_POSITIONS = 1 << 20


_MUST_BE_FALSE = ("attention_bias", "mlp_bias", "use_sliding_window", "rope_interleaved")


@dataclass(frozen=True, slots=True)
class ModelConfig:
    """What fixes the decoder: its family, and numbers by the names of config.json.

    Attributes:
        rope_divisors: What each of the head_dim/2 rotary frequencies is divided by; None: nothing.
    """

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
    architecture: Architecture = "Qwen3ForCausalLM"
    rope_divisors: tuple[float, ...] | None = None

    @property
    def family(self) -> Family:
        return FAMILIES[self.architecture]

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
        ArchitectureError: the checkpoint is of a family that pagelm does not build.
    """
    path = folder / "config.json"
    keys = read_keys(path)
    architecture = _read_architecture(keys, path)
    _refuse_unsupported(keys, path)
    rope = _rope_keys(keys)
    rope_theta = positive_float(rope, "rope_theta", path)
    head_dim = _head_dim(keys, architecture, path)
    config = ModelConfig(
        vocab_size=positive_int(keys, "vocab_size", path),
        hidden_size=positive_int(keys, "hidden_size", path),
        intermediate_size=positive_int(keys, "intermediate_size", path),
        num_hidden_layers=positive_int(keys, "num_hidden_layers", path),
        num_attention_heads=positive_int(keys, "num_attention_heads", path),
        num_key_value_heads=positive_int(keys, "num_key_value_heads", path),
        head_dim=head_dim,
        max_position_embeddings=positive_int(keys, "max_position_embeddings", path),
        rope_theta=rope_theta,
        rms_norm_eps=positive_float(keys, "rms_norm_eps", path),
        tie_word_embeddings=boolean(keys, "tie_word_embeddings", path),
        architecture=architecture,
        rope_divisors=_rope_divisors(keys, head_dim, rope_theta, path),
    )
    check_shape(config, path)
    return config


def _read_architecture(keys: Keys, path: Path) -> Architecture:
    architectures = keys.get("architectures")
    for architecture in FAMILIES:
        if architectures == [architecture]:
            return architecture
    raise ArchitectureError(
        f"{path}: architectures is {architectures!r}",
        expected=" or ".join(f"[{architecture!r}]" for architecture in FAMILIES),
        remedy="pagelm builds dense decoders of these families only; pick such a checkpoint.",
    )


def _head_dim(keys: Keys, architecture: Architecture, path: Path) -> int:
    if not FAMILIES[architecture].derives_head_dim or keys.get("head_dim") is not None:
        return positive_int(keys, "head_dim", path)
    hidden_size = positive_int(keys, "hidden_size", path)
    heads = positive_int(keys, "num_attention_heads", path)
    if hidden_size % heads:
        raise ConfigError(
            f"{path}: hidden_size {hidden_size} cannot be shared by num_attention_heads {heads}",
            expected="a multiple, or the key head_dim",
            remedy="Check the file: these two keys disagree.",
        )
    return hidden_size // heads


def _rope_keys(keys: Keys) -> Keys:
    """transformers 5 keeps rope_theta inside rope_parameters; version 4 at the top."""
    parameters = keys.get("rope_parameters")
    return parameters if isinstance(parameters, dict) else keys


def _rope_scaling(keys: Keys) -> Keys:
    """transformers 5 keeps the scaling inside rope_parameters too; version 4 in rope_scaling, if at all."""
    scaling = keys.get("rope_scaling")
    return scaling if isinstance(scaling, dict) else _rope_keys(keys)


def _rope_divisors(keys: Keys, head_dim: int, rope_theta: float, path: Path) -> tuple[float, ...] | None:
    scaling = _rope_scaling(keys)
    if scaling.get("rope_type", "default") == "default":
        return None
    llama3 = Llama3Scaling(
        factor=positive_float(scaling, "factor", path),
        low_freq_factor=positive_float(scaling, "low_freq_factor", path),
        high_freq_factor=positive_float(scaling, "high_freq_factor", path),
        original_max_position_embeddings=positive_int(scaling, "original_max_position_embeddings", path),
    )
    return frequency_divisors(llama3, head_dim, rope_theta)


def _refuse_unsupported(keys: Keys, path: Path) -> None:
    """Refuse every setting that would change the arithmetic without changing a tensor's shape."""
    layer_types = keys.get("layer_types")
    layers_are_full = not layer_types or (
        isinstance(layer_types, list) and all(kind == "full_attention" for kind in layer_types)
    )
    scaling = keys.get("rope_scaling")
    rope_type = _rope_scaling(keys).get("rope_type", "default")
    scaling_is_named = scaling is None or (isinstance(scaling, dict) and "rope_type" in scaling)
    rotated = _rope_keys(keys).get("partial_rotary_factor", keys.get("partial_rotary_factor"))
    checks: list[tuple[str, JsonValue, bool, str]] = [
        ("hidden_act", keys.get("hidden_act"), keys.get("hidden_act") == "silu", "'silu'"),
        *((key, keys.get(key), not keys.get(key), "false") for key in _MUST_BE_FALSE),
        ("layer_types", layer_types, layers_are_full, "'full_attention' in every layer"),
        ("rope_scaling", scaling, scaling_is_named, "null, or an object with rope_type"),
        ("rope_type", rope_type, rope_type in ("default", "llama3"), "'default' or 'llama3'"),
        ("partial_rotary_factor", rotated, rotated in (None, 1), "1: all of a head rotated"),
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


def check_shape(config: ModelConfig, path: Path) -> None:
    """Refuse sizes that the int4 blocks or grouped-query attention cannot divide.

    Args:
        path: The file that says so, for the message.

    Raises:
        ConfigError: naming the key.
    """
    for key in ("hidden_size", "intermediate_size", "head_dim"):
        size: int = getattr(config, key)
        if size % BLOCK_SIZE:
            raise ConfigError(
                f"{path}: {key} is {size}",
                expected=f"a multiple of {BLOCK_SIZE}, the block of the int4 weights",
                remedy="Pick a checkpoint of another shape.",
            )
    if config.max_position_embeddings > MOST_POSITIONS:
        raise ConfigError(
            f"{path}: max_position_embeddings is {config.max_position_embeddings}",
            expected=f"at most {MOST_POSITIONS}",
            remedy="Check the file; a graph holds a row of rotary tables for each position.",
        )
    if config.num_attention_heads % config.num_key_value_heads:
        raise ConfigError(
            f"{path}: num_attention_heads {config.num_attention_heads} cannot be shared by "
            f"num_key_value_heads {config.num_key_value_heads}",
            expected="a multiple",
            remedy="Check the file: these two keys disagree.",
        )
