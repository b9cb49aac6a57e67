"""Composes the components into the decoder and names what goes in and out.

Pre-norm layers whose residual additions are folded into the next norm; the last token is picked before the
head, so that prefill never computes logits nobody reads. It knows the model, but neither a backend nor a
file. The names, types and shapes of inputs and outputs are specified in docs/contracts.md, "Graphs".

    input_ids ─► embedding ─► norm ─► attention ─► +norm ─► mlp ─► +norm ─► … ─► last token ─► head ─► logits
                     └───── residual ──────────────►└────────────►┘                              candidates ◄┘
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import onnx_ir as ir

from pagelm_builder.components.attention import AttentionInputs, KeyValue, emit_attention
from pagelm_builder.components.candidates import candidate_count, emit_candidates
from pagelm_builder.components.embedding import emit_embedding
from pagelm_builder.components.emitter import MICROSOFT, GraphEmitter
from pagelm_builder.components.last_tokens import emit_last_tokens
from pagelm_builder.components.linear import Linear, emit_linear
from pagelm_builder.components.mlp import emit_mlp
from pagelm_builder.components.rms_norm import emit_residual_rms_norm, emit_rms_norm
from pagelm_builder.components.rotary import emit_rotary_tables
from pagelm_builder.components.sequence_lengths import emit_sequence_lengths
from pagelm_builder.config import ModelConfig
from pagelm_builder.tensors import head_name, layer_prefix, node_scope
from pagelm_builder.variant import Variant
from pagelm_builder.weights import Region

OPSETS = {"": 18, MICROSOFT: 1}
# the newest that onnxruntime-web 1.30 and onnxruntime 1.23 both read
IR_VERSION = 10


def build_decoder(config: ModelConfig, variant: Variant, regions: Mapping[str, Region]) -> ir.Model:
    """The decoder as one variant.

    Args:
        config: The model's shape.
        variant: How to do the arithmetic.
        regions: Where each stored tensor lies in the external files, by name.
    """
    emitter = GraphEmitter(variant, regions)
    input_ids = emitter.input("input_ids", ir.DataType.INT64, [1, "sequence"])
    hidden, presents = _emit_layers(emitter, config, input_ids)
    logits = _emit_head(emitter, config, hidden)
    outputs: list[ir.Value] = []
    if variant.top_k != "none":
        outputs += _emit_candidate_outputs(emitter, config, logits)
    outputs.append(_name(logits, "logits", ir.DataType.FLOAT, _logits_shape(config, variant)))
    outputs += _name_presents(config, emitter.compute_dtype, presents)
    graph = ir.Graph(
        emitter.inputs,
        outputs,
        nodes=emitter.nodes,
        initializers=list(emitter.initializers.values()),
        opset_imports=OPSETS,
        name=variant.name,
    )
    return ir.Model(graph, ir_version=IR_VERSION, producer_name="pagelm")


def _make_past(emitter: GraphEmitter, config: ModelConfig) -> list[KeyValue]:
    cache: list[int | str] = [1, config.num_key_value_heads, "past", config.head_dim]
    return [
        KeyValue(
            emitter.input(f"past_key_values.{layer}.key", emitter.compute_dtype, cache),
            emitter.input(f"past_key_values.{layer}.value", emitter.compute_dtype, cache),
        )
        for layer in range(config.num_hidden_layers)
    ]


def _emit_layers(
    emitter: GraphEmitter, config: ModelConfig, input_ids: ir.Value
) -> tuple[ir.Value, list[KeyValue]]:
    """All layers and the final norm: hidden states `[1, sequence, hidden_size]` and the present caches."""
    epsilon = config.rms_norm_eps
    lengths = emit_sequence_lengths(emitter)
    past = _make_past(emitter, config)
    shared = AttentionInputs(lengths, *emit_rotary_tables(emitter, config))
    residual = emit_embedding(emitter, config, input_ids)
    normed = emit_rms_norm(
        emitter, residual, "/model/layers.0/input_layernorm", "model.layers.0.input_layernorm", epsilon
    )
    presents = []
    for layer in range(config.num_hidden_layers):
        prefix = layer_prefix(layer)
        attended, present = emit_attention(emitter, config, normed, prefix, shared, past[layer])
        presents.append(present)
        normed, residual = _emit_sum_norm(
            emitter, attended, residual, f"{prefix}.post_attention_layernorm", epsilon
        )
        fed = emit_mlp(emitter, config, normed, prefix)
        if layer + 1 < config.num_hidden_layers:
            normed, residual = _emit_sum_norm(
                emitter, fed, residual, f"{layer_prefix(layer + 1)}.input_layernorm", epsilon
            )
    normed, _ = emit_residual_rms_norm(
        emitter, fed, residual, "/model/norm", "model.norm", epsilon, keep_sum=False
    )
    return normed, presents


def _emit_sum_norm(
    emitter: GraphEmitter, hidden: ir.Value, residual: ir.Value, tensor: str, epsilon: float
) -> tuple[ir.Value, ir.Value]:
    scope = node_scope(tensor)
    normed, total = emit_residual_rms_norm(emitter, hidden, residual, scope, tensor, epsilon, keep_sum=True)
    assert total is not None
    return normed, total


def _emit_head(emitter: GraphEmitter, config: ModelConfig, hidden: ir.Value) -> ir.Value:
    """The logits of the tokens that the variant asks for, in float32."""
    picked = emit_last_tokens(emitter, hidden, config.hidden_size)
    name = head_name(config)
    logits = emit_linear(emitter, picked, Linear("/lm_head", name, config.vocab_size, config.hidden_size))
    if emitter.compute_dtype != ir.DataType.FLOAT:
        logits = emitter.cast(logits, ir.DataType.FLOAT, "/lm_head")
    return logits


def _logits_shape(config: ModelConfig, variant: Variant) -> list[int | str]:
    match variant.logits:
        case "last":
            return [1, config.vocab_size]
        case "kept":
            return [1, "kept", config.vocab_size]
        case "verified":
            return ["kept", config.vocab_size]


def _emit_candidate_outputs(emitter: GraphEmitter, config: ModelConfig, logits: ir.Value) -> list[ir.Value]:
    values, ids = emit_candidates(emitter, logits, config.vocab_size)
    rows = _logits_shape(config, emitter.variant)[:-1]
    shape = [*rows, candidate_count(config.vocab_size)]
    return [
        _name(values, "candidate_logits", ir.DataType.FLOAT, shape),
        _name(ids, "candidate_ids", ir.DataType.INT64, shape),
    ]


def _name_presents(config: ModelConfig, compute: ir.DataType, presents: list[KeyValue]) -> list[ir.Value]:
    cache: list[int | str] = [1, config.num_key_value_heads, "total", config.head_dim]
    return [
        _name(value, f"present.{layer}.{part}", compute, cache)
        for layer, present in enumerate(presents)
        for part, value in (("key", present.key), ("value", present.value))
    ]


def _name(value: ir.Value, name: str, dtype: ir.DataType, shape: Sequence[int | str]) -> ir.Value:
    value.name, value.type, value.shape = name, ir.TensorType(dtype), ir.Shape(shape)
    return value
