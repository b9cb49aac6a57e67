"""The external data of a bundle's graphs as files, for as long as onnxruntime needs them.

Given a path, onnxruntime reads tensor by tensor; given the same bytes in memory it copies all of them first,
and for Qwen3-0.6B's `wasm` graph the two differ by 1.5 GB. Reads the bundle as any runtime does (hashes
compared, parts joined, int8 weights expanded) and knows no session. Specified in docs/contracts.md, "Graphs".
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import BinaryIO

import numpy as np
from numpy.typing import NDArray

from pagelm.bundle_files import read_verified
from pagelm.manifest_values import Expanded, ExpandedTensor, Manifest
from pagelm_builder.disk_space import named_full_disk
from pagelm_builder.quantize.block_format import BlockFormat
from pagelm_builder.quantize.expansion import expand_rows

# weights that a thread expands at once: pieces that stay in the processor's cache take half the time
VALUES_PER_EXPANSION = 1 << 18


@contextmanager
def external_data(
    bundle: Path, manifest: Manifest, graphs: Iterable[str], *, parent: Path | None = None
) -> Iterator[Path]:
    """A folder with the files that some graphs name, which is gone after the block.

    Args:
        bundle: The bundle.
        graphs: Names of graphs; W8A8 ones need a byte for each weight more.
        parent: Where to make the folder; where the system keeps temporary files by default.

    Raises:
        pagelm.errors.BundleError: a part is missing or altered, or the bundle has no such graph.
        DiskFullError: there is no room for the files.
    """
    with TemporaryDirectory(prefix=".external-data.", dir=parent) as name:
        folder = Path(name)
        with named_full_disk(folder.parent):
            for graph in map(manifest.graph, graphs):
                weights = folder / graph.external_data
                if not weights.exists():
                    join_parts(bundle, manifest, weights)
                if graph.expanded is not None:
                    expand_weights(weights, graph.expanded, folder / graph.expanded.external_data)
        yield folder


def join_parts(bundle: Path, manifest: Manifest, target: Path) -> None:
    """All parts in one file; one of them at a time is in memory."""
    with target.open("wb") as file:
        for part in manifest.weights.parts:
            file.write(read_verified(bundle, part))


def expand_weights(weights: Path, expanded: Expanded, target: Path) -> None:
    """`expanded.bin` of the W8A8 graph; one of its matrices at a time is in memory."""
    with (
        weights.open("rb") as source,
        target.open("wb") as file,
        ThreadPoolExecutor(os.cpu_count()) as threads,  # numpy lets go of the interpreter while it computes
    ):
        file.truncate(expanded.bytes)
        for tensor in expanded.tensors:
            weight, weight_scales = _expand_tensor(source, tensor, threads)
            file.seek(tensor.weight_offset)
            file.write(weight.data)
            file.seek(tensor.weight_scales_offset)
            file.write(weight_scales.data)


def _expand_tensor(
    source: BinaryIO, tensor: ExpandedTensor, threads: ThreadPoolExecutor
) -> tuple[NDArray[np.int8], NDArray[np.float32]]:
    rows, columns = tensor.rows, tensor.columns
    form = BlockFormat(tensor.bits, tensor.block_size)
    blocks = columns // form.block_size
    codes = np.frombuffer(_read(source, tensor.codes_offset, rows * blocks * form.block_bytes), np.uint8)
    scales = np.frombuffer(_read(source, tensor.scales_offset, rows * blocks * 2), "<f2")
    codes, scales = codes.reshape(rows, blocks, form.block_bytes), scales.reshape(rows, blocks)
    factors = None
    if tensor.input_factors_offset is not None:
        factors = np.frombuffer(_read(source, tensor.input_factors_offset, columns * 4), "<f4")
    weight, weight_scales = np.empty((columns, rows), np.int8), np.empty(rows, np.float32)

    def expand(start: int) -> None:
        some = slice(start, start + step)
        weight[:, some], weight_scales[some] = expand_rows(codes[some], scales[some], form, factors)

    step = max(1, VALUES_PER_EXPANSION // columns)
    for _ in threads.map(expand, range(0, rows, step)):
        pass
    return weight, weight_scales


def _read(source: BinaryIO, offset: int, length: int) -> bytes:
    source.seek(offset)
    return source.read(length)
