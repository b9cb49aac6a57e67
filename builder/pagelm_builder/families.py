"""The model families that pagelm builds, and all in which their decoders differ.

One row a family: everything else of a dense decoder is the same for all (RMSNorm, rotary positions by halves,
grouped queries, a gated SiLU feed-forward). It knows no file format and no ONNX. Follows transformers' config
and model classes of the same names.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Literal

Architecture = Literal["Qwen3ForCausalLM", "Qwen2ForCausalLM", "LlamaForCausalLM"]


@dataclass(frozen=True, slots=True)
class Family:
    """What sets one family's decoder apart.

    Attributes:
        name: What its people call it.
        qk_norm: An RMSNorm over each query and key head.
        qkv_bias: A bias on the query, key and value projections; no other layer has one.
        derives_head_dim: Its config class takes hidden_size / num_attention_heads where `head_dim` is absent.
            Qwen3's does not: a width of its own is what its checkpoints say.
    """

    name: str
    qk_norm: bool
    qkv_bias: bool
    derives_head_dim: bool


FAMILIES: Mapping[Architecture, Family] = MappingProxyType(
    {
        "Qwen3ForCausalLM": Family("Qwen3", qk_norm=True, qkv_bias=False, derives_head_dim=False),
        "Qwen2ForCausalLM": Family("Qwen2", qk_norm=False, qkv_bias=True, derives_head_dim=True),
        "LlamaForCausalLM": Family("Llama", qk_norm=False, qkv_bias=False, derives_head_dim=True),
    }
)
