"""Structure of the four graphs: the shape that WebGPU fuses, names, types, and what the manifest says."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

import onnx
import pytest
from onnx import TensorProto

from pagelm_builder.config import ModelConfig
from pagelm_builder.graphs import (
    BuiltGraph,
    build_native,
    build_wasm,
    build_webgpu_f16,
    build_webgpu_f32,
)
from pagelm_builder.weights import plan_expansion, plan_weights
from tiny_checkpoints import TINY, TINY_LLAMA, TINY_QWEN2

LAYOUT = plan_weights(TINY)
EXPANDED = plan_expansion(TINY, LAYOUT)
GRAPHS = {
    graph.variant.name: graph
    for graph in (
        build_webgpu_f32(TINY, LAYOUT),
        build_webgpu_f16(TINY, LAYOUT),
        build_wasm(TINY, LAYOUT, EXPANDED),
        build_native(TINY, LAYOUT),
    )
}
WEBGPU = ["webgpu-f32", "webgpu-f16"]
VERIFYING = ["wasm", "native"]
LAYERS = TINY.num_hidden_layers


def parse(name: str) -> onnx.ModelProto:
    return onnx.load_from_string(GRAPHS[name].model)


def nodes_of(name: str, op_type: str) -> list[onnx.NodeProto]:
    return [node for node in parse(name).graph.node if node.op_type == op_type]


def attributes(node: onnx.NodeProto) -> dict[str, object]:
    return {attribute.name: onnx.helper.get_attribute_value(attribute) for attribute in node.attribute}


def shape(value: onnx.ValueInfoProto) -> list[int | str]:
    return [dim.dim_param or dim.dim_value for dim in value.type.tensor_type.shape.dim]


@pytest.mark.parametrize("name", GRAPHS)
def test_inputs_and_outputs_are_those_of_the_contract(name: str) -> None:
    graph = parse(name).graph
    cache = TensorProto.FLOAT16 if name == "webgpu-f16" else TensorProto.FLOAT
    parts = [(layer, part) for layer in range(LAYERS) for part in ("key", "value")]
    verifies = name in VERIFYING
    found_inputs = [(value.name, value.type.tensor_type.elem_type, shape(value)) for value in graph.input]
    assert found_inputs == [
        ("input_ids", TensorProto.INT64, [1, "sequence"]),
        ("seqlens_k", TensorProto.INT32, [1]),
        ("total_sequence_length", TensorProto.INT32, [1]),
        *((f"past_key_values.{layer}.{part}", cache, [1, 2, "past", 32]) for layer, part in parts),
        *([("num_logits_to_keep", TensorProto.INT64, [1])] if verifies else []),
    ]
    rows = "kept" if verifies else 1
    found_outputs = [(value.name, value.type.tensor_type.elem_type, shape(value)) for value in graph.output]
    assert found_outputs == [
        ("candidate_logits", TensorProto.FLOAT, [rows, 64]),
        ("candidate_ids", TensorProto.INT64, [rows, 64]),
        ("logits", TensorProto.FLOAT, [rows, 512]),
        *((f"present.{layer}.{part}", cache, [1, 2, "total", 32]) for layer, part in parts),
    ]


@pytest.mark.parametrize(("name", "accuracy_level"), [*((name, 0) for name in WEBGPU), ("native", 4)])
def test_every_linear_layer_is_plain_symmetric_int4(name: str, accuracy_level: int) -> None:
    products = nodes_of(name, "MatMulNBits")
    assert len(products) == 7 * LAYERS + 1
    for node in products:
        found = attributes(node)
        assert (found["bits"], found["block_size"], found["accuracy_level"]) == (4, 32, accuracy_level)
        assert len(node.input) == 3


@pytest.mark.parametrize("name", WEBGPU)
def test_each_norm_feeds_exactly_the_products_it_is_fused_with(name: str) -> None:
    graph = parse(name).graph
    readers: dict[str, list[str]] = {}
    for node in graph.node:
        for value in node.input:
            readers.setdefault(value, []).append(node.name)
    for layer in range(LAYERS):
        prefix = f"/model/layers.{layer}"
        query_key_value = [f"{prefix}/self_attn/{part}_proj/MatMulNBits" for part in "qkv"]
        gate_up = [f"{prefix}/mlp/{part}_proj/MatMulNBits" for part in ("gate", "up")]
        norms = {node.name.rsplit("/", 1)[0]: node for node in graph.node if "LayerNorm" in node.op_type}
        assert readers[norms[f"{prefix}/input_layernorm"].output[0]] == query_key_value
        assert readers[norms[f"{prefix}/post_attention_layernorm"].output[0]] == gate_up


@pytest.mark.parametrize("name", WEBGPU)
def test_silu_is_sigmoid_and_mul(name: str) -> None:
    found = Counter(node.op_type for node in parse(name).graph.node)
    assert (found["Sigmoid"], found["Mul"] - 1, found["QuickGelu"]) == (LAYERS, 2 * LAYERS, 0)


@pytest.mark.parametrize("name", WEBGPU)
def test_head_norms_are_inside_attention_on_webgpu(name: str) -> None:
    for layer, node in enumerate(nodes_of(name, "GroupQueryAttention")):
        prefix = f"model.layers.{layer}.self_attn"
        assert [value.split(".weight")[0].strip("/") for value in node.input[14:]] == [
            f"{prefix}.q_norm",
            f"{prefix}.k_norm",
        ]
        assert list(node.input[9:14]) == [""] * 5
        assert attributes(node)["qk_norm_epsilon"] == pytest.approx(TINY.rms_norm_eps)
        assert attributes(node)["do_rotary"] == 1


@pytest.mark.parametrize("name", ["wasm", "native"])
def test_head_norms_are_explicit_on_the_cpu(name: str) -> None:
    assert all(len(node.input) == 9 for node in nodes_of(name, "GroupQueryAttention"))
    assert len(nodes_of(name, "SimplifiedLayerNormalization")) == 1 + 2 * LAYERS


def test_one_quantization_serves_all_products_of_an_activation() -> None:
    products = nodes_of("wasm", "MatMulInteger")
    assert len(products) == 7 * LAYERS + 1
    # q, k and v share one; gate and up share one; o, down and the head have their own
    assert len({node.input[0] for node in products}) == 4 * LAYERS + 1


@pytest.mark.parametrize("name", GRAPHS)
def test_embedding_and_head_read_the_same_bytes(name: str) -> None:
    offsets = {
        tensor.name: {entry.key: entry.value for entry in tensor.external_data}["offset"]
        for tensor in parse(name).graph.initializer
        if tensor.external_data
    }
    (lookup,) = nodes_of(name, "GatherBlockQuantized")
    if name == "wasm":
        tensor = next(tensor for tensor in EXPANDED.tensors if tensor.name == "model.embed_tokens")
        assert int(offsets[lookup.input[0]]) == tensor.codes_offset
        assert int(offsets["model.embed_tokens.int8"]) == tensor.weight_offset
        return
    head = next(node for node in nodes_of(name, "MatMulNBits") if node.name.startswith("/lm_head"))
    assert lookup.input[0] == head.input[1]


@pytest.mark.parametrize("name", VERIFYING)
def test_one_row_of_logits_is_what_a_run_gives_unless_it_is_asked_for_more(name: str) -> None:
    (default,) = [tensor for tensor in parse(name).graph.initializer if tensor.name == "num_logits_to_keep"]
    assert onnx.numpy_helper.to_array(default).tolist() == [1]


@pytest.mark.parametrize("name", GRAPHS)
def test_nothing_large_is_stored_inside_the_graph(name: str) -> None:
    for tensor in parse(name).graph.initializer:
        if not tensor.external_data:
            assert len(tensor.raw_data) <= 4 * TINY.head_dim
    assert len(GRAPHS[name].model) < 64_000


@pytest.mark.parametrize("name", GRAPHS)
def test_names_follow_the_checkpoint(name: str) -> None:
    names = [node.name for node in parse(name).graph.node]
    assert len(set(names)) == len(names)
    kind = "MatMulInteger" if name == "wasm" else "MatMulNBits"
    assert f"/model/layers.1/self_attn/q_proj/{kind}" in names


def test_float16_graph_computes_in_float16_and_answers_in_float32() -> None:
    model = onnx.shape_inference.infer_shapes(parse("webgpu-f16"))
    casts = [node for node in model.graph.node if node.op_type == "Cast"]
    to_float = [node for node in casts if attributes(node)["to"] == TensorProto.FLOAT]
    assert [node.name for node in to_float] == ["/lm_head/Cast"]
    # what remains are norm weights and rotary tables, all constant
    assert {node.input[0].rsplit(".", 1)[-1] for node in casts if node not in to_float} <= {
        "weight",
        "0/Cos/output_0",
        "/model/rotary_emb/Cos/output_0",
        "/model/rotary_emb/Sin/output_0",
    }


def test_float32_graphs_cast_the_shared_scales() -> None:
    scales = {node.input[2] for node in nodes_of("webgpu-f32", "MatMulNBits")}
    assert all(name.endswith("/Cast/output_0") for name in scales)
    scales = {node.input[2] for node in nodes_of("webgpu-f16", "MatMulNBits")}
    assert all(name.endswith(".scales") for name in scales)


@pytest.mark.parametrize(("name", "bytes_each"), [("webgpu-f32", 4), ("webgpu-f16", 2)])
def test_largest_binding_is_the_largest_constant(name: str, bytes_each: int) -> None:
    assert GRAPHS[name].largest_binding_bytes == max(
        TINY.max_position_embeddings * TINY.head_dim // 2 * bytes_each,  # rotary
        TINY.vocab_size * TINY.hidden_size // 2,  # codes of the head
        TINY.vocab_size * 4,  # logits
    )


def test_largest_binding_grows_with_the_context() -> None:
    config = replace(TINY, max_position_embeddings=40960)
    graph = build_webgpu_f32(config, plan_weights(config))
    assert graph.largest_binding_bytes == 40960 * 16 * 4


@pytest.mark.parametrize("name", WEBGPU)
def test_widest_dispatch_is_the_fused_query_key_value_product(name: str) -> None:
    """Counted in Chromium: MatMulNBitsQkvDecode binds ten storage buffers when its norm runs apart."""
    assert GRAPHS[name].storage_buffers == 10


@pytest.mark.parametrize(("config", "buffers"), [(TINY_QWEN2, 9), (TINY_LLAMA, 10)], ids=["Qwen2", "Llama"])
def test_widest_dispatch_of_other_families(config: ModelConfig, buffers: int) -> None:
    """Chromium with ten storage buffers runs biased query, key and value products one by one."""
    assert build_webgpu_f32(config, plan_weights(config)).storage_buffers == buffers


@pytest.mark.parametrize("config", [TINY_QWEN2, TINY_LLAMA], ids=["Qwen2", "Llama"])
def test_families_without_head_norms_have_none(config: ModelConfig) -> None:
    graph = onnx.load_from_string(build_webgpu_f32(config, plan_weights(config)).model).graph
    attentions = [node for node in graph.node if node.op_type == "GroupQueryAttention"]
    assert [len(node.input) for node in attentions] == [9] * config.num_hidden_layers


def test_bias_is_an_input_of_the_product_it_belongs_to() -> None:
    """onnxruntime then fuses q, k and v as it does without; as an Add, each would cost a dispatch."""
    graph = onnx.load_from_string(build_webgpu_f16(TINY_QWEN2, plan_weights(TINY_QWEN2)).model).graph
    products = {node.name: node for node in graph.node if node.op_type == "MatMulNBits"}
    with_bias = {name for name, node in products.items() if len(node.input) == 6}
    assert with_bias == {
        f"/model/layers.{layer}/self_attn/{part}_proj/MatMulNBits"
        for layer in range(LAYERS)
        for part in "qkv"
    }
    bias = products["/model/layers.1/self_attn/k_proj/MatMulNBits"].input[5]
    assert bias.startswith("/model.layers.1.self_attn.k_proj.bias")
    assert "Add" not in {node.op_type for node in graph.node}


def test_building_twice_gives_the_same_bytes() -> None:
    def rebuilt() -> BuiltGraph:
        return build_wasm(TINY, LAYOUT, EXPANDED)

    assert rebuilt().model == GRAPHS["wasm"].model
