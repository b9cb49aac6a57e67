"""Composes the components into the decoder and names what goes in and out.

Pre-norm layers whose residual additions are folded into the next norm; the last token is picked before the
head, so that prefill never computes logits nobody reads. It knows the model, but neither a backend nor a
file. The names, types and shapes of inputs and outputs are specified in docs/contracts.md, "Graphs".

    input_ids ─► embedding ─► norm ─► attention ─► +norm ─► mlp ─► +norm ─► … ─► last token ─► head ─► logits
                     └───── residual ──────────────►└────────────►┘                              candidates ◄┘
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import onnx_ir as ir

from pagelm_builder.components.attention import AttentionInputs, KeyValue, emit_attention
from pagelm_builder.components.candidates import candidate_count, emit_candidates
from pagelm_builder.components.embedding import emit_embedding
from pagelm_builder.components.emitter import MICROSOFT, GraphEmitter
from pagelm_builder.components.linear import Linear, emit_linear
from pagelm_builder.components.mlp import emit_mlp
from pagelm_builder.components.rms_norm import emit_residual_rms_norm, emit_rms_norm
from pagelm_builder.components.rotary import emit_rotary_tables
from pagelm_builder.config import ModelConfig
from pagelm_builder.tensors import head_name, layer_prefix, node_scope
from pagelm_builder.variant import Variant
from pagelm_builder.weights import Region

OPSETS = {"": 18, MICROSOFT: 1}
# the newest that onnxruntime-web 1.30 and onnxruntime 1.23 both read
IR_VERSION = 10


@dataclass(frozen=True, slots=True)
class _Inputs:
    input_ids: ir.Value
    seqlens_k: ir.Value
    total_sequence_length: ir.Value
    past: tuple[KeyValue, ...]

    def flat(self) -> list[ir.Value]:
        values = [self.input_ids, self.seqlens_k, self.total_sequence_length]
        for cache in self.past:
            values += [cache.key, cache.value]
        return values


def build_decoder(config: ModelConfig, variant: Variant, regions: Mapping[str, Region]) -> ir.Model:
    """The decoder as one variant.

    Args:
        config: The model's shape.
        variant: How to do the arithmetic.
        regions: Where each stored tensor lies in the external files, by name.
    """
    emitter = GraphEmitter(variant, regions)
    inputs = _make_inputs(config, emitter.compute_dtype)
    hidden, presents = _emit_layers(emitter, config, inputs)
    logits = _emit_head(emitter, config, hidden)
    candidate_logits, candidate_ids = emit_candidates(emitter, logits, config.vocab_size)
    outputs = _name_outputs(config, emitter.compute_dtype, candidate_logits, candidate_ids, logits, presents)
    graph = ir.Graph(
        inputs.flat(),
        outputs,
        nodes=emitter.nodes,
        initializers=list(emitter.initializers.values()),
        opset_imports=OPSETS,
        name=variant.name,
    )
    return ir.Model(graph, ir_version=IR_VERSION, producer_name="pagelm")


def _make_inputs(config: ModelConfig, compute: ir.DataType) -> _Inputs:
    cache: list[int | str] = [1, config.num_key_value_heads, "past", config.head_dim]
    past = tuple(
        KeyValue(
            _value(f"past_key_values.{layer}.key", compute, cache),
            _value(f"past_key_values.{layer}.value", compute, cache),
        )
        for layer in range(config.num_hidden_layers)
    )
    return _Inputs(
        input_ids=_value("input_ids", ir.DataType.INT64, [1, "sequence"]),
        seqlens_k=_value("seqlens_k", ir.DataType.INT32, [1]),
        total_sequence_length=_value("total_sequence_length", ir.DataType.INT32, [1]),
        past=past,
    )


def _value(name: str, dtype: ir.DataType, shape: Sequence[int | str]) -> ir.Value:
    return ir.Value(name=name, type=ir.TensorType(dtype), shape=ir.Shape(shape))


def _emit_layers(
    emitter: GraphEmitter, config: ModelConfig, inputs: _Inputs
) -> tuple[ir.Value, list[KeyValue]]:
    """All layers and the final norm: hidden states `[1, sequence, hidden_size]` and the present caches."""
    epsilon = config.rms_norm_eps
    cos, sin = emit_rotary_tables(emitter, config)
    shared = AttentionInputs(inputs.seqlens_k, inputs.total_sequence_length, cos, sin)
    residual = emit_embedding(emitter, config, inputs.input_ids)
    normed = emit_rms_norm(
        emitter, residual, "/model/layers.0/input_layernorm", "model.layers.0.input_layernorm", epsilon
    )
    presents = []
    for layer in range(config.num_hidden_layers):
        prefix = layer_prefix(layer)
        attended, present = emit_attention(emitter, config, normed, prefix, shared, inputs.past[layer])
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
    """The last token's logits, float32 `[1, vocab_size]`."""
    last = emitter.constant(np.array(-1, np.int64), "last_token")
    picked = emitter.op("Gather", [hidden, last], name="/last_token/Gather", attributes={"axis": 1})
    name = head_name(config)
    logits = emit_linear(emitter, picked, Linear("/lm_head", name, config.vocab_size, config.hidden_size))
    if emitter.compute_dtype != ir.DataType.FLOAT:
        logits = emitter.cast(logits, ir.DataType.FLOAT, "/lm_head")
    return logits


def _name_outputs(
    config: ModelConfig,
    compute: ir.DataType,
    candidate_logits: ir.Value,
    candidate_ids: ir.Value,
    logits: ir.Value,
    presents: list[KeyValue],
) -> list[ir.Value]:
    count = candidate_count(config.vocab_size)
    cache: list[int | str] = [1, config.num_key_value_heads, "total", config.head_dim]
    outputs = [
        _name(candidate_logits, "candidate_logits", ir.DataType.FLOAT, [1, count]),
        _name(candidate_ids, "candidate_ids", ir.DataType.INT64, [1, count]),
        _name(logits, "logits", ir.DataType.FLOAT, [1, config.vocab_size]),
    ]
    for layer, present in enumerate(presents):
        outputs.append(_name(present.key, f"present.{layer}.key", compute, cache))
        outputs.append(_name(present.value, f"present.{layer}.value", compute, cache))
    return outputs


def _name(value: ir.Value, name: str, dtype: ir.DataType, shape: Sequence[int | str]) -> ir.Value:
    value.name, value.type, value.shape = name, ir.TensorType(dtype), ir.Shape(shape)
    return value
