"""What a graph file must be before anything runs it: valid ONNX with the contract's inputs and outputs.

Its external tensors lie inside their files, but are not read, and no device is asked, so that this holds for
the WebGPU graphs too, which the CPU cannot run. It says what is wrong and leaves raising to the caller.
Specified in docs/contracts.md, "Graphs".
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

import onnx
from google.protobuf.message import DecodeError  # type: ignore[import-untyped]  # protobuf has no types

from pagelm.manifest_values import Graph, Manifest

_CACHE_TYPES = {"float32": onnx.TensorProto.FLOAT, "float16": onnx.TensorProto.FLOAT16}
# onnxruntime has it in ONNX's own domain, ONNX does not
_UNREGISTERED_OPERATORS = ("SimplifiedLayerNormalization",)
_MICROSOFT = "com.microsoft"
# name → element type and shape; a dimension that varies from run to run is a name
_Ports = dict[str, tuple[int, tuple[int | str, ...]]]


def find_faults(data: bytes, manifest: Manifest, entry: Graph) -> list[tuple[str, str]]:
    """Compare one graph file with the contract.

    Args:
        data: The file.
        entry: Its entry in the manifest.

    Returns:
        Pairs of what was found and what was expected; empty if all is well.
    """
    try:
        model = onnx.load_model_from_string(data)
    except DecodeError as error:
        return [(f"is not ONNX: {error}", "an ONNX protobuf")]
    sizes = {entry.external_data: manifest.weights.bytes}
    if entry.expanded is not None:
        sizes[entry.expanded.external_data] = entry.expanded.bytes
    return [
        *_compare_ports("input", model.graph.input, _expected_inputs(manifest, entry)),
        *_compare_ports("output", model.graph.output, _expected_outputs(manifest, entry)),
        *_misplaced_weights(model, sizes),
        *_checker_complaint(model),
    ]


def _expected_inputs(manifest: Manifest, entry: Graph) -> _Ports:
    ports: _Ports = {
        "input_ids": (onnx.TensorProto.INT64, (1, "sequence")),
        "seqlens_k": (onnx.TensorProto.INT32, (1,)),
        "total_sequence_length": (onnx.TensorProto.INT32, (1,)),
    }
    if entry.verify_tokens:
        ports["num_logits_to_keep"] = (onnx.TensorProto.INT64, (1,))
    return ports | _cache_ports("past_key_values", "past", manifest, entry)


def _expected_outputs(manifest: Manifest, entry: Graph) -> _Ports:
    rows = "kept" if entry.verify_tokens else 1
    ports: _Ports = {
        "candidate_logits": (onnx.TensorProto.FLOAT, (rows, entry.candidates)),
        "candidate_ids": (onnx.TensorProto.INT64, (rows, entry.candidates)),
        "logits": (onnx.TensorProto.FLOAT, (rows, manifest.model.vocab_size)),
    }
    return ports | _cache_ports("present", "total", manifest, entry)


def _cache_ports(prefix: str, length: str, manifest: Manifest, entry: Graph) -> _Ports:
    model = manifest.model
    port = (
        int(_CACHE_TYPES[entry.key_value_dtype]),
        (1, model.num_key_value_heads, length, model.head_dim),
    )
    return {
        f"{prefix}.{layer}.{part}": port
        for layer in range(model.num_hidden_layers)
        for part in ("key", "value")
    }


def _compare_ports(
    kind: str, values: Sequence[onnx.ValueInfoProto], expected: _Ports
) -> Iterator[tuple[str, str]]:
    found: _Ports = {
        value.name: (
            value.type.tensor_type.elem_type,
            tuple(size.dim_param or size.dim_value for size in value.type.tensor_type.shape.dim),
        )
        for value in values
    }
    for name in sorted(found.keys() | expected.keys()):
        if found.get(name) != expected.get(name):
            yield f"{kind} {name} is {_shown(found.get(name))}", _shown(expected.get(name))


def _shown(port: tuple[int, tuple[int | str, ...]] | None) -> str:
    if port is None:
        return "absent"
    return f"{onnx.TensorProto.DataType.Name(port[0])} [{', '.join(map(str, port[1]))}]"


def _misplaced_weights(model: onnx.ModelProto, sizes: Mapping[str, int]) -> Iterator[tuple[str, str]]:
    """External tensors that name another file, or reach beyond the end of theirs."""
    for tensor in _external_tensors(model):
        place = {item.key: item.value for item in tensor.external_data}
        file, end = place.get("location", ""), int(place.get("offset", 0)) + int(place.get("length", 0))
        if file not in sizes:
            yield f"tensor {tensor.name} is in {file!r}", " or ".join(sizes)
        elif end > sizes[file]:
            yield f"tensor {tensor.name} ends at byte {end} of {file}", f"at most {sizes[file]}"


def _external_tensors(model: onnx.ModelProto) -> list[onnx.TensorProto]:
    external = onnx.TensorProto.EXTERNAL
    return [tensor for tensor in model.graph.initializer if tensor.data_location == external]


def _checker_complaint(model: onnx.ModelProto) -> Iterator[tuple[str, str]]:
    """onnx's own checker, on a copy that it can take.

    External tensors become inputs, as it would look for their file on disk; onnxruntime's operators move to a
    domain that it leaves alone, as it knows none of them.
    """
    copy = onnx.ModelProto()
    copy.CopyFrom(model)
    external = _external_tensors(copy)
    for tensor in external:
        copy.graph.input.append(
            onnx.helper.make_tensor_value_info(tensor.name, tensor.data_type, tensor.dims)
        )
        copy.graph.initializer.remove(tensor)
    for node in copy.graph.node:
        if node.op_type in _UNREGISTERED_OPERATORS:
            node.domain = _MICROSOFT
    try:
        onnx.checker.check_model(copy)
    except onnx.checker.ValidationError as error:
        yield f"does not pass onnx.checker: {error}", "a valid graph"
