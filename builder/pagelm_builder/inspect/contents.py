"""Reads what a bundle says of itself: its manifest, its graphs' sizes, its vocabulary's header.

Weights are not read and nothing is run. It knows files and their contracts, but not how they are shown.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from pagelm.bundle_files import read_verified
from pagelm.manifest import load_manifest
from pagelm.manifest_values import Manifest
from pagelm.vocabulary_format import Vocabulary, unpack_vocabulary
from pagelm_builder.inspect.stored_tensors import GraphFile, StoredTensor, read_graph_file
from pagelm_builder.inspect.tensor_groups import TensorGroup, group_tensors


@dataclass(frozen=True, slots=True)
class Contents:
    """A bundle.

    Attributes:
        parameters: Numbers of the checkpoint; a tied embedding counts once.
        nodes: Of each graph.
        groups: Bytes of the weights by tensor group.
    """

    manifest: Manifest
    vocabulary: Vocabulary
    parameters: int
    nodes: dict[str, int]
    groups: tuple[TensorGroup, ...]


def read_contents(bundle: Path) -> Contents:
    """Read a bundle.

    Raises:
        pagelm.errors.BundleError: the manifest, a graph or the tokenizer is missing, altered or wrong.
        pagelm.errors.TokenizerError: the tokenizer's file cannot be read.
        VerificationError: a graph is not ONNX.
    """
    manifest = load_manifest(bundle)
    files = {name: read_graph_file(bundle, name, entry) for name, entry in manifest.graphs.items()}
    tensors = _most_complete(files.values())
    return Contents(
        manifest,
        unpack_vocabulary(read_verified(bundle, manifest.tokenizer)),
        _count_parameters(tensors, manifest.quantization.block_size),
        {name: file.nodes for name, file in files.items()},
        group_tensors(tensors, total_bytes=manifest.weights.bytes, tied=manifest.model.tie_word_embeddings),
    )


def _most_complete(files: Iterable[GraphFile]) -> tuple[StoredTensor, ...]:
    """Graphs that expand their weights at load name few of the shared ones."""
    return max((file.tensors for file in files), key=len)


def _count_parameters(tensors: Iterable[StoredTensor], block_size: int) -> int:
    """A scale stands for a block of weights; codes may hold two to a byte."""
    factors = {"codes": 0, "scales": block_size}
    return sum(tensor.elements * factors.get(tensor.piece, 1) for tensor in tensors)
