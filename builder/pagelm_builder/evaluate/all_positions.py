"""A decoder graph that gives the logits of every position, made from the one that a bundle ships.

The shipped graph picks the last tokens before the head. Here that is taken out and nothing else changed: the
same operators over the same weight bytes, so what is measured is what is shipped. It knows nothing of weights
and runs nothing.

    hidden [1, sequence, hidden] ─(the last tokens of it)─► head ─► logits [1, sequence, vocab_size]
"""

from __future__ import annotations

from collections.abc import Iterable

import onnx
from google.protobuf.message import DecodeError  # type: ignore[import-untyped]  # protobuf has no types

from pagelm_builder.errors import EvaluationError

LAST_TOKEN = "/last_token/"
UNUSED_OUTPUTS = ("candidate_logits", "candidate_ids")


def emit_all_positions(graph_file: bytes) -> bytes:
    """Rewrite a graph; its outputs are then `logits` `[1, sequence, vocab_size]` and `present.*`.

    Raises:
        EvaluationError: it is not ONNX, or picks no last token where pagelm's graphs do.
    """
    try:
        model = onnx.load_model_from_string(graph_file)
    except DecodeError as error:
        raise _refusal(f"it is not ONNX: {error}") from error
    graph = model.graph
    everywhere, last = _find_picked(graph)
    for node in graph.node:
        for index, name in enumerate(node.input):
            if name == last:
                node.input[index] = everywhere
    _keep_outputs(graph, [value for value in graph.output if value.name not in UNUSED_OUTPUTS])
    for value in graph.output:
        if value.name == "logits":
            vocab_size = value.type.tensor_type.shape.dim[-1].dim_value
            value.CopyFrom(
                onnx.helper.make_tensor_value_info(
                    "logits", onnx.TensorProto.FLOAT, [1, "sequence", vocab_size]
                )
            )
    rewritten: bytes = model.SerializeToString()
    return rewritten


def _find_picked(graph: onnx.GraphProto) -> tuple[str, str]:
    """Names of the hidden states of all tokens, and of those that are picked of them."""
    picks = [node for node in graph.node if node.name.startswith(LAST_TOKEN)]
    firsts = [node.input[0] for node in picks if node.op_type in ("Gather", "Slice")]
    lasts = [node.output[0] for node in picks if node.op_type in ("Gather", "Reshape")]
    if len(firsts) != 1 or len(lasts) != 1:
        raise _refusal(f"it has {len(firsts)} nodes {LAST_TOKEN}… that pick the last tokens")
    return firsts[0], lasts[0]


def _keep_outputs(graph: onnx.GraphProto, outputs: Iterable[onnx.ValueInfoProto]) -> None:
    """Drop the other outputs, and every node, constant and input that nothing else needs."""
    kept = list(outputs)
    needed = {value.name for value in kept}
    nodes = []
    for node in reversed(graph.node):  # a decoder's nodes are in order of computation
        if needed.intersection(node.output):
            needed.update(node.input)
            nodes.append(node)
    constants = [constant for constant in graph.initializer if constant.name in needed]
    inputs = [value for value in graph.input if value.name in needed]
    for field, values in (
        (graph.output, kept),
        (graph.node, nodes[::-1]),
        (graph.initializer, constants),
        (graph.input, inputs),
    ):
        copies = [type(value).FromString(value.SerializeToString()) for value in values]
        del field[:]
        field.extend(copies)


def _refusal(problem: str) -> EvaluationError:
    return EvaluationError(
        f"the graph cannot give the logits of all positions: {problem}",
        expected="a decoder that `pagelm export` wrote",
        remedy="Export the bundle again with this version of pagelm.",
    )
