"""Which tensors lie in a bundle's weights, read off a graph that names them.

The graph's external tensors are the only list of what `weights.bin` holds. It knows names and sizes, reads
no weight, and does not ask whether the graph computes anything (that is `graph_structure`).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from math import prod
from pathlib import Path
from typing import Literal, cast

import onnx
from google.protobuf.message import DecodeError  # type: ignore[import-untyped]  # protobuf has no types

from pagelm.bundle_files import read_verified
from pagelm.manifest_values import REMEDY, Graph
from pagelm_builder.errors import VerificationError

Piece = Literal["codes", "scales", "weight", "bias"]
PIECES = ("codes", "scales", "weight", "bias")


@dataclass(frozen=True, slots=True)
class StoredTensor:
    """One region of the weights: `{name}.{piece}`, `elements` numbers in `bytes` bytes."""

    name: str
    piece: Piece
    elements: int
    bytes: int


@dataclass(frozen=True, slots=True)
class GraphFile:
    """What one graph file holds: how many nodes, and the tensors that it takes from the shared weights."""

    nodes: int
    tensors: tuple[StoredTensor, ...]


def read_graph_file(bundle: Path, name: str, entry: Graph) -> GraphFile:
    """Read one graph, without its weights.

    Raises:
        pagelm.errors.BundleError: the file is missing or altered.
        VerificationError: it is not ONNX.
    """
    data = read_verified(bundle, entry.file)
    try:
        graph = onnx.load_model_from_string(data).graph
    except DecodeError as error:
        raise VerificationError(
            f"graph {name}: is not ONNX: {error}", expected="an ONNX protobuf", remedy=REMEDY
        ) from error
    return GraphFile(len(graph.node), tuple(_stored(graph, entry.external_data)))


def _stored(graph: onnx.GraphProto, file: str) -> Iterator[StoredTensor]:
    """A region that a graph reads under two shapes counts once."""
    seen: set[str] = set()
    for tensor in graph.initializer:
        place = {item.key: item.value for item in tensor.external_data}
        offset = place.get("offset", "0")
        if place.get("location") != file or offset in seen:
            continue
        seen.add(offset)
        name, piece = _split(tensor.name)
        size = place.get("length", "0")
        yield StoredTensor(name, piece, prod(tensor.dims), int(size) if size.isdecimal() else 0)


def _split(initializer: str) -> tuple[str, Piece]:
    """`model.norm.weight` is the weight of model.norm; `….scales.512x4x1` are scales under another shape."""
    words = initializer.split(".")
    for index in (-1, -2):
        if len(words) > -index and words[index] in PIECES:
            return ".".join(words[:index]), cast("Piece", words[index])
    return initializer, "weight"
