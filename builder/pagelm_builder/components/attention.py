"""Grouped-query attention with rotary positions and a KV cache; some families norm queries and keys by head.

GroupQueryAttention does the rotation, the cache and the softmax. Whether there are head norms is the family's
choice, whether GroupQueryAttention does them too is the variant's.

    x ─► q_proj ─► (head norm) ─┐
    x ─► k_proj ─► (head norm) ─┼─► GroupQueryAttention(past, lengths, tables, (norm weights)) ─► o_proj
    x ─► v_proj ────────────────┘                └─► present
"""

from __future__ import annotations

from dataclasses import dataclass

import onnx_ir as ir

from pagelm_builder.components.emitter import MICROSOFT, GraphEmitter
from pagelm_builder.components.linear import Linear, emit_linear, emit_linears
from pagelm_builder.components.rms_norm import emit_rms_norm
from pagelm_builder.components.sequence_lengths import SequenceLengths
from pagelm_builder.config import ModelConfig
from pagelm_builder.tensors import node_scope


@dataclass(frozen=True, slots=True)
class AttentionInputs:
    """What every layer's attention shares: lengths and rotary tables."""

    lengths: SequenceLengths
    cos: ir.Value
    sin: ir.Value


@dataclass(frozen=True, slots=True)
class KeyValue:
    """Keys and values of one layer, `[1, num_key_value_heads, length, head_dim]`."""

    key: ir.Value
    value: ir.Value


def emit_attention(
    emitter: GraphEmitter,
    config: ModelConfig,
    hidden: ir.Value,
    prefix: str,
    shared: AttentionInputs,
    past: KeyValue,
) -> tuple[ir.Value, KeyValue]:
    """Attention of the layer `prefix` over `[1, sequence, hidden_size]`; returns its output and the present
    cache."""
    tensor = f"{prefix}.self_attn"
    scope = node_scope(tensor)
    hidden_size = config.hidden_size
    bias = config.family.qkv_bias
    query, key, value = emit_linears(
        emitter,
        hidden,
        f"{scope}/qkv",
        [
            Linear(f"{scope}/q_proj", f"{tensor}.q_proj", config.query_size, hidden_size, bias),
            Linear(f"{scope}/k_proj", f"{tensor}.k_proj", config.key_value_size, hidden_size, bias),
            Linear(f"{scope}/v_proj", f"{tensor}.v_proj", config.key_value_size, hidden_size, bias),
        ],
    )
    norm_weights: list[ir.Value] = []
    if config.family.qk_norm and emitter.variant.qk_norm == "fused":
        norm_weights = [emitter.compute_weight(f"{tensor}.{name}.weight") for name in ("q_norm", "k_norm")]
    elif config.family.qk_norm:
        query = _emit_head_norm(emitter, config, query, scope, tensor, "q_norm")
        key = _emit_head_norm(emitter, config, key, scope, tensor, "k_norm")
    attended, present = _emit_group_query_attention(
        emitter, config, (query, key, value), scope, shared, past, norm_weights
    )
    output = emit_linear(
        emitter, attended, Linear(f"{scope}/o_proj", f"{tensor}.o_proj", hidden_size, config.query_size)
    )
    return output, present


def _emit_head_norm(
    emitter: GraphEmitter, config: ModelConfig, heads: ir.Value, scope: str, tensor: str, norm: str
) -> ir.Value:
    split = emitter.reshape(heads, (0, 0, -1, config.head_dim), f"{scope}/{norm}/split")
    normed = emit_rms_norm(emitter, split, f"{scope}/{norm}", f"{tensor}.{norm}", config.rms_norm_eps)
    return emitter.reshape(normed, (0, 0, -1), f"{scope}/{norm}/join")


def _emit_group_query_attention(
    emitter: GraphEmitter,
    config: ModelConfig,
    projections: tuple[ir.Value, ir.Value, ir.Value],
    scope: str,
    shared: AttentionInputs,
    past: KeyValue,
    norm_weights: list[ir.Value],
) -> tuple[ir.Value, KeyValue]:
    inputs: list[ir.Value | None] = [
        *projections,
        past.key,
        past.value,
        shared.lengths.seqlens_k,
        shared.lengths.total_sequence_length,
        shared.cos,
        shared.sin,
    ]
    attributes: dict[str, int | float] = {
        "num_heads": config.num_attention_heads,
        "kv_num_heads": config.num_key_value_heads,
        "do_rotary": 1,
        "rotary_interleaved": 0,
    }
    if norm_weights:
        # inputs 9 to 13 (position_ids, attention_bias, head_sink, k_scale, v_scale) are not used
        inputs += [None, None, None, None, None, *norm_weights]
        attributes["qk_norm_epsilon"] = config.rms_norm_eps
    attended, key, value = emitter.ops(
        "GroupQueryAttention",
        inputs,
        name=f"{scope}/GroupQueryAttention",
        domain=MICROSOFT,
        attributes=attributes,
        outputs=(True, True, True),
    )
    return attended, KeyValue(key, value)
