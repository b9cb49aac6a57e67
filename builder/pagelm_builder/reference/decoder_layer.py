"""One decoder layer on numpy arrays, in float32, cut where a linear layer begins or ends.

The pieces between the linear layers are functions of their own, so that whoever calibrates can replace a
linear layer half way. Several sequences lie one after the other in `[tokens, …]`; only attention knows where
one ends. It refuses to know files and number formats. The oracle is transformers' eager float32 model.

    hidden ─► norm ─► q k v ─► attend ─► o ─► + ─► norm ─► gate up ─► gated ─► down ─► +
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from pagelm_builder.components.rotary import inverse_frequencies
from pagelm_builder.config import ModelConfig

Floats: TypeAlias = NDArray[np.float32]
LayerWeights: TypeAlias = Mapping[str, Floats]
"""Arrays of one layer by key within it: `input_layernorm.weight`, `mlp.up_proj.weight` `[outputs, inputs]`"""

# tokens whose wide intermediate values exist at once: 4096 × 3072 floats are 48 MiB
TOKENS_AT_ONCE = 4096


@dataclass(frozen=True, slots=True)
class Rotary:
    """cos and sin of every token's angles, `[tokens, 1, head_dim / 2]`."""

    cos: Floats
    sin: Floats


def make_rotary(config: ModelConfig, lengths: tuple[int, ...]) -> Rotary:
    """Angles of sequences of these lengths, each beginning at position 0."""
    positions = np.concatenate([np.arange(length) for length in lengths]).astype(np.float32)
    angles = positions[:, None, None] * inverse_frequencies(config)
    return Rotary(np.cos(angles), np.sin(angles))


def rms_norm(hidden: Floats, weight: Floats, epsilon: float) -> Floats:
    """Over the last axis."""
    mean_square = np.einsum("...i,...i->...", hidden, hidden)[..., None] / np.float32(hidden.shape[-1])
    result: Floats = hidden / np.sqrt(mean_square + np.float32(epsilon)) * weight
    return result


def apply_linear(weights: LayerWeights, name: str, hidden: Floats) -> Floats:
    """`[tokens, inputs]` → `[tokens, outputs]`, with a bias where the checkpoint has one."""
    result: Floats = hidden @ weights[f"{name}.weight"].T
    bias = weights.get(f"{name}.bias")
    return result if bias is None else result + bias


def attend(
    config: ModelConfig,
    weights: LayerWeights,
    projections: tuple[Floats, Floats, Floats],
    rotary: Rotary,
    lengths: tuple[int, ...],
) -> Floats:
    """Causal attention within each sequence.

    Args:
        projections: Queries `[tokens, query_size]`, keys and values `[tokens, key_value_size]`.

    Returns:
        What o_proj is applied to, `[tokens, query_size]`.
    """
    query, key, value = (array.reshape(len(array), -1, config.head_dim) for array in projections)
    if "self_attn.q_norm.weight" in weights:
        query = rms_norm(query, weights["self_attn.q_norm.weight"], config.rms_norm_eps)
        key = rms_norm(key, weights["self_attn.k_norm.weight"], config.rms_norm_eps)
    query, key = _rotate(query, rotary), _rotate(key, rotary)
    attended = np.empty_like(query)
    end = 0
    for length in lengths:
        part = slice(end, end + length)
        end += length
        attended[part] = _attend_sequence(query[part], key[part], value[part])
    return attended.reshape(len(attended), -1)


def gated(gate: Floats, up: Floats) -> Floats:
    """silu(gate) · up."""
    with np.errstate(over="ignore"):  # exp of a large negative gate: the quotient is 0, as it should be
        result: Floats = gate / (1 + np.exp(-gate)) * up
    return result


def run_layer(
    config: ModelConfig, weights: LayerWeights, hidden: Floats, rotary: Rotary, lengths: tuple[int, ...]
) -> Floats:
    """The whole layer, `[tokens, hidden_size]` to the same."""
    normed = rms_norm(hidden, weights["input_layernorm.weight"], config.rms_norm_eps)
    query, key, value = (apply_linear(weights, f"self_attn.{name}_proj", normed) for name in ("q", "k", "v"))
    attended = attend(config, weights, (query, key, value), rotary, lengths)
    hidden = hidden + apply_linear(weights, "self_attn.o_proj", attended)
    normed = rms_norm(hidden, weights["post_attention_layernorm.weight"], config.rms_norm_eps)
    for start in range(0, len(hidden), TOKENS_AT_ONCE):
        some = slice(start, start + TOKENS_AT_ONCE)
        gate, up = (apply_linear(weights, f"mlp.{name}_proj", normed[some]) for name in ("gate", "up"))
        hidden[some] += apply_linear(weights, "mlp.down_proj", gated(gate, up))
    return hidden


def _rotate(heads: Floats, rotary: Rotary) -> Floats:
    """The first half of each head is the real part, the second the imaginary one."""
    half = heads.shape[-1] // 2
    real, imaginary = heads[..., :half], heads[..., half:]
    rotated: Floats = np.empty_like(heads)
    rotated[..., :half] = real * rotary.cos - imaginary * rotary.sin
    rotated[..., half:] = imaginary * rotary.cos + real * rotary.sin
    return rotated


def _attend_sequence(query: Floats, key: Floats, value: Floats) -> Floats:
    """`[length, heads, head_dim]`; query heads share the key head of their group."""
    length, heads, head_dim = query.shape
    groups = key.shape[1]
    queries = query.transpose(1, 0, 2).reshape(groups, -1, head_dim)
    scores: Floats = queries @ key.transpose(1, 2, 0)
    scores *= np.float32(head_dim**-0.5)
    by_head = scores.reshape(heads, length, length)
    by_head[:, *np.triu_indices(length, 1)] = -np.inf
    scores -= scores.max(axis=-1, keepdims=True)
    np.exp(scores, out=scores)
    scores /= scores.sum(axis=-1, keepdims=True)
    mixed: Floats = scores @ value.transpose(1, 0, 2)
    return mixed.reshape(heads, length, head_dim).transpose(1, 0, 2)
