"""A bundle of a small random Qwen3, exported by the builder: the right shape, no meaning, every id from the
seed.

For tests that need real arithmetic but no sense. Its tokenizer is the one of `fakes`: a token per byte and
five markers.
"""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
from safetensors.numpy import save_file

from fakes import CHAT_TEMPLATE, IM_START
from pagelm_builder.export import export_bundle

CONFIG: dict[str, object] = {
    "architectures": ["Qwen3ForCausalLM"],
    "model_type": "qwen3",
    "vocab_size": 288,
    "hidden_size": 64,
    "intermediate_size": 96,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "head_dim": 32,
    "max_position_embeddings": 256,
    "rope_theta": 1000000.0,
    "rms_norm_eps": 1e-06,
    "tie_word_embeddings": True,
    "attention_bias": False,
    "hidden_act": "silu",
    "rope_scaling": None,
    "use_sliding_window": False,
    "torch_dtype": "float32",
}
MARKERS = ("<|im_start|>", "<|im_end|>", "<think>", "</think>", "<|endoftext|>")
PATTERN = (
    r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*"
    r"|\s*[\r\n]+|\s+(?!\S)|\s+"
)


def export_random_bundle(folder: Path, *, seed: int = 0, positions: int = 256) -> Path:
    """Write a checkpoint and export it; returns the bundle's folder, inside `folder`."""
    config = {**CONFIG, "max_position_embeddings": positions}
    checkpoint = folder / "checkpoint"
    checkpoint.mkdir()
    (checkpoint / "config.json").write_text(json.dumps(config))
    save_file(_random_tensors(np.random.default_rng(seed)), checkpoint / "model.safetensors")
    (checkpoint / "tokenizer.json").write_text(json.dumps(_tokenizer_json()))
    tokenizer_config = {
        "chat_template": CHAT_TEMPLATE,
        "eos_token": "<|im_end|>",
        "pad_token": "<|endoftext|>",
    }
    (checkpoint / "tokenizer_config.json").write_text(json.dumps(tokenizer_config))
    return export_bundle(checkpoint, folder / "bundle", name="random")


def _random_tensors(random: np.random.Generator) -> dict[str, np.ndarray]:
    hidden, inner, heads, kv_heads, head_dim = 64, 96, 4, 2, 32
    shapes: dict[str, tuple[int, ...]] = {"model.embed_tokens.weight": (288, hidden)}
    for layer in range(2):
        prefix = f"model.layers.{layer}"
        shapes |= {
            f"{prefix}.self_attn.q_proj.weight": (heads * head_dim, hidden),
            f"{prefix}.self_attn.k_proj.weight": (kv_heads * head_dim, hidden),
            f"{prefix}.self_attn.v_proj.weight": (kv_heads * head_dim, hidden),
            f"{prefix}.self_attn.o_proj.weight": (hidden, heads * head_dim),
            f"{prefix}.mlp.gate_proj.weight": (inner, hidden),
            f"{prefix}.mlp.up_proj.weight": (inner, hidden),
            f"{prefix}.mlp.down_proj.weight": (hidden, inner),
        }
    tensors = {
        name: random.normal(0, shape[1] ** -0.5, shape).astype(np.float32) for name, shape in shapes.items()
    }
    norms = {"model.norm.weight": hidden}
    for layer in range(2):
        prefix = f"model.layers.{layer}"
        norms |= {
            f"{prefix}.input_layernorm.weight": hidden,
            f"{prefix}.post_attention_layernorm.weight": hidden,
            f"{prefix}.self_attn.q_norm.weight": head_dim,
            f"{prefix}.self_attn.k_norm.weight": head_dim,
        }
    return tensors | {name: random.uniform(0.5, 1.5, size).astype(np.float32) for name, size in norms.items()}


def _tokenizer_json() -> dict[str, object]:
    return {
        "version": "1.0",
        "truncation": None,
        "padding": None,
        "added_tokens": [
            {
                "id": IM_START + index,
                "content": content,
                "single_word": False,
                "lstrip": False,
                "rstrip": False,
                "normalized": False,
                "special": content.startswith("<|"),
            }
            for index, content in enumerate(MARKERS)
        ],
        "normalizer": {"type": "NFC"},
        "pre_tokenizer": {
            "type": "Sequence",
            "pretokenizers": [
                {"type": "Split", "pattern": {"Regex": PATTERN}, "behavior": "Isolated", "invert": False},
                {"type": "ByteLevel", "add_prefix_space": False, "trim_offsets": False, "use_regex": False},
            ],
        },
        "post_processor": None,
        "decoder": {
            "type": "ByteLevel",
            "add_prefix_space": False,
            "trim_offsets": False,
            "use_regex": False,
        },
        "model": {
            "type": "BPE",
            "dropout": None,
            "unk_token": None,
            "continuing_subword_prefix": "",
            "end_of_word_suffix": "",
            "fuse_unk": False,
            "byte_fallback": False,
            "ignore_merges": False,
            "vocab": {character: value for value, character in enumerate(_byte_alphabet())},
            "merges": [],
        },
    }


def _byte_alphabet() -> list[str]:
    """The character that byte-level BPE writes for each byte: itself if printable, else one from 256 on."""
    printable = [*range(33, 127), *range(161, 173), *range(174, 256)]
    others = iter(range(256, 512))
    return [chr(value if value in printable else next(others)) for value in range(256)]
