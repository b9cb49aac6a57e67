"""config.json: both spellings of transformers are read, everything not implemented is refused by name."""

from __future__ import annotations

from dataclasses import asdict, replace
from pathlib import Path

import pytest

from pagelm_builder.config import ModelConfig, read_config
from pagelm_builder.errors import ArchitectureError, ConfigError
from tiny_checkpoints import (
    LLAMA3_SCALING,
    TINY,
    TINY_LLAMA,
    TINY_LLAMA3,
    TINY_QWEN2,
    config_json,
    write_config,
)


def test_transformers_4_spelling_is_read(tmp_path: Path) -> None:
    write_config(tmp_path)
    assert read_config(tmp_path) == TINY


def test_transformers_5_spelling_is_read(tmp_path: Path) -> None:
    rope = {"rope_theta": 1e6, "rope_type": "default"}
    write_config(tmp_path, rope_theta=..., torch_dtype=..., dtype="bfloat16", rope_parameters=rope)
    assert read_config(tmp_path) == TINY


@pytest.mark.parametrize(
    "key",
    [
        "vocab_size",
        "hidden_size",
        "intermediate_size",
        "num_hidden_layers",
        "num_attention_heads",
        "num_key_value_heads",
        "head_dim",
        "max_position_embeddings",
        "rope_theta",
        "rms_norm_eps",
        "tie_word_embeddings",
    ],
)
def test_missing_key_is_named_and_never_derived(tmp_path: Path, key: str) -> None:
    write_config(tmp_path, **{key: ...})
    with pytest.raises(ConfigError, match=rf"config\.json lacks the key '{key}'"):
        read_config(tmp_path)


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("vocab_size", "512"),
        ("head_dim", 32.0),
        ("num_hidden_layers", True),
        ("num_hidden_layers", 0),
        ("rope_theta", None),
        ("rms_norm_eps", -1e-6),
        ("rope_theta", float("inf")),
        ("tie_word_embeddings", 1),
    ],
)
def test_value_of_the_wrong_kind_is_named(tmp_path: Path, key: str, value: object) -> None:
    write_config(tmp_path, **{key: value})
    with pytest.raises(ConfigError, match=f"{key} is"):
        read_config(tmp_path)


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("hidden_act", "gelu"),
        ("hidden_act", ...),
        ("attention_bias", True),
        ("use_sliding_window", True),
        ("layer_types", ["full_attention", "sliding_attention"]),
        ("mlp_bias", True),
        ("rope_interleaved", True),
        ("partial_rotary_factor", 0.5),
        ("rope_scaling", {"type": "linear", "factor": 4.0}),
        ("num_experts", 128),
        ("quantization_config", {"quant_method": "fp8"}),
    ],
)
def test_setting_that_changes_the_arithmetic_is_refused(tmp_path: Path, key: str, value: object) -> None:
    write_config(tmp_path, **{key: value})
    with pytest.raises(ConfigError, match=rf"{key} is .* not implemented"):
        read_config(tmp_path)


@pytest.mark.parametrize("key", ["rope_parameters", "rope_scaling"])
@pytest.mark.parametrize("rope_type", ["yarn", "linear", "dynamic", "longrope"])
def test_other_rope_scaling_is_refused_in_both_spellings(tmp_path: Path, key: str, rope_type: str) -> None:
    write_config(tmp_path, **{key: {"rope_theta": 1e6, "rope_type": rope_type, "factor": 4.0}})
    with pytest.raises(ConfigError, match=f"rope_type is '{rope_type}'.*expected 'default' or 'llama3'"):
        read_config(tmp_path)


def test_part_of_a_head_rotated_is_refused_in_the_new_spelling(tmp_path: Path) -> None:
    write_config(tmp_path, rope_parameters={"rope_theta": 1e6, "partial_rotary_factor": 0.25})
    with pytest.raises(ConfigError, match=r"partial_rotary_factor is 0\.25"):
        read_config(tmp_path)


@pytest.mark.parametrize("config", [TINY_QWEN2, TINY_LLAMA], ids=["Qwen2", "Llama"])
@pytest.mark.parametrize("head_dim", [..., None, 32], ids=["absent", "null", "there"])
def test_family_that_derives_the_head_width_may_leave_it_out(
    tmp_path: Path, config: ModelConfig, head_dim: object
) -> None:
    write_config(tmp_path, config, head_dim=head_dim)
    assert read_config(tmp_path) == config


def test_head_width_that_cannot_be_derived_is_named(tmp_path: Path) -> None:
    write_config(tmp_path, TINY_LLAMA, head_dim=..., num_attention_heads=5)
    with pytest.raises(ConfigError, match="hidden_size 96 cannot be shared by num_attention_heads 5"):
        read_config(tmp_path)


@pytest.mark.parametrize("spelling", [4, 5])
def test_llama3_scaling_is_read_in_both_spellings(tmp_path: Path, spelling: int) -> None:
    scaling = {"rope_type": "llama3", **asdict(LLAMA3_SCALING)}
    plain = replace(TINY_LLAMA3, rope_divisors=None)
    if spelling == 4:
        write_config(tmp_path, plain, rope_scaling=scaling)
    else:
        write_config(tmp_path, plain, rope_theta=..., rope_parameters={**scaling, "rope_theta": 5e5})
    assert read_config(tmp_path) == TINY_LLAMA3


@pytest.mark.parametrize("key", asdict(LLAMA3_SCALING))
def test_incomplete_llama3_scaling_is_named(tmp_path: Path, key: str) -> None:
    scaling = {"rope_type": "llama3", **asdict(LLAMA3_SCALING)}
    del scaling[key]
    write_config(tmp_path, TINY_LLAMA, rope_scaling=scaling)
    with pytest.raises(ConfigError, match=f"lacks the key '{key}'"):
        read_config(tmp_path)


@pytest.mark.parametrize("architectures", [["MistralForCausalLM"], ["Qwen3MoeForCausalLM"], [], None, ...])
def test_other_architecture_is_refused(tmp_path: Path, architectures: object) -> None:
    write_config(tmp_path, architectures=architectures)
    with pytest.raises(ArchitectureError, match=r"Qwen3ForCausalLM.*Qwen2ForCausalLM.*LlamaForCausalLM"):
        read_config(tmp_path)


@pytest.mark.parametrize("key", ["hidden_size", "intermediate_size", "head_dim"])
def test_size_that_blocks_do_not_divide_is_refused(tmp_path: Path, key: str) -> None:
    write_config(tmp_path, **{key: config_json(TINY)[key] + 1})
    with pytest.raises(ConfigError, match=f"{key} is .*multiple of 32"):
        read_config(tmp_path)


def test_heads_that_cannot_share_keys_are_refused(tmp_path: Path) -> None:
    write_config(tmp_path, num_key_value_heads=3)
    with pytest.raises(ConfigError, match="num_key_value_heads 3"):
        read_config(tmp_path)


@pytest.mark.parametrize("text", ["{", "[]", "\ufeff{}"])
def test_broken_file_is_named(tmp_path: Path, text: str) -> None:
    (tmp_path / "config.json").write_text(text, encoding="utf-8")
    with pytest.raises(ConfigError, match=r"config\.json"):
        read_config(tmp_path)


def test_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"config\.json is missing"):
        read_config(tmp_path)
