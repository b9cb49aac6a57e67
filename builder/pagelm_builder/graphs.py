"""One function per graph of the bundle: its bytes, and what the manifest says about it.

Binding sizes and storage buffers are computed from the graph as onnxruntime will run it on WebGPU, with its
two fusions applied. It knows nothing of files. Specified in docs/contracts.md, "Bundle, format 1".
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import onnx_ir as ir

from pagelm_builder import variant as variants
from pagelm_builder.components.candidates import candidate_count
from pagelm_builder.config import ModelConfig
from pagelm_builder.decoder import build_decoder
from pagelm_builder.variant import Variant
from pagelm_builder.weights import ExpandedLayout, Region, WeightLayout

VERIFY_TOKENS = 16
"""Most tokens whose candidates one run gives, where a graph gives those of several: longer drafts seldom
hold, and each has a row of logits in memory."""

# positions of optional inputs of GroupQueryAttention and MatMulNBits
_HEAD_NORM_INPUT = 14
_BIAS_INPUT = 5


@dataclass(frozen=True, slots=True)
class BuiltGraph:
    """A serialized graph.

    Attributes:
        model: The ONNX protobuf.
        largest_binding_bytes: Size of the largest constant that a shader binds (the KV cache, whose size
            the runtime chooses, is not in it).
        storage_buffers: The most storage buffers that one dispatch binds.
    """

    variant: Variant
    model: bytes
    candidates: int
    largest_binding_bytes: int
    storage_buffers: int


def build_webgpu_f32(config: ModelConfig, weights: WeightLayout) -> BuiltGraph:
    return build_graph(config, variants.WEBGPU_F32, weights.regions)


def build_webgpu_f16(config: ModelConfig, weights: WeightLayout) -> BuiltGraph:
    return build_graph(config, variants.WEBGPU_F16, weights.regions)


def build_wasm(config: ModelConfig, weights: WeightLayout, expanded: ExpandedLayout) -> BuiltGraph:
    return build_graph(config, variants.WASM, weights.regions | expanded.regions)


def build_native(config: ModelConfig, weights: WeightLayout) -> BuiltGraph:
    return build_graph(config, variants.NATIVE, weights.regions)


def build_graph(config: ModelConfig, variant: Variant, regions: Mapping[str, Region]) -> BuiltGraph:
    """Build and serialize one variant."""
    model = build_decoder(config, variant, regions)
    return BuiltGraph(
        variant=variant,
        model=ir.to_proto(model).SerializeToString(deterministic=True),
        candidates=candidate_count(config.vocab_size),
        largest_binding_bytes=_largest_binding_bytes(model.graph, config, variant),
        storage_buffers=_storage_buffers(model.graph),
    )


def _largest_binding_bytes(graph: ir.Graph, config: ModelConfig, variant: Variant) -> int:
    compute = 2 if variant.compute == "float16" else 4
    rotary = config.max_position_embeddings * config.head_dim // 2 * compute
    logits = config.vocab_size * 4
    constants = (_bound_bytes(value, compute) for value in graph.initializers.values())
    return max(rotary, logits, *constants)


def _bound_bytes(value: ir.Value, compute: int) -> int:
    """float tensors are bound in the compute type, after their Cast is folded."""
    tensor = value.const_value
    assert tensor is not None
    is_float = tensor.dtype in (ir.DataType.FLOAT, ir.DataType.FLOAT16)
    size = compute if is_float else tensor.dtype.itemsize
    return int(np.prod(tensor.shape.numpy())) * int(size)


def _storage_buffers(graph: ir.Graph) -> int:
    return max(max(_node_buffers(node), _fused_buffers(node)) for node in graph)


def _node_buffers(node: ir.Node) -> int:
    if node.op_type == "GroupQueryAttention":
        # several dispatches; the widest, rotation, binds 5 inputs (and 2 head norms) and 2 outputs
        return 9 if len(node.inputs) > _HEAD_NORM_INPUT else 7
    return sum(value is not None for value in node.inputs) + sum(bool(value.name) for value in node.outputs)


def _fused_buffers(norm: ir.Node) -> int:
    """Buffers of the MatMulNBits that read one norm, fused by onnxruntime into MatMulNBitsQkv or
    MatMulNBitsMlp.

    Three (q, k, v): with the norm apart, as onnxruntime runs it where buffers are scarce, the activation,
    codes and scales of each, and three products; with biases, which would make it 13, it then runs them one
    by one. Two (gate, up): the norm's inputs and sum, codes and scales, one product.
    """
    if not norm.op_type.endswith("SimplifiedLayerNormalization"):
        return 0
    readers = [usage.node for usage in norm.outputs[0].uses()]
    if any(reader.op_type != "MatMulNBits" for reader in readers):
        return 0
    if len(readers) == 3:
        has_bias = len(readers[0].inputs) > _BIAS_INPUT
        return 0 if has_bias else 1 + 2 * 3 + 3
    sums = sum(bool(value.name) for value in norm.outputs) - 1
    return len(norm.inputs) + sums + 2 * len(readers) + 1
