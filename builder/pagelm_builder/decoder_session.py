"""One graph of a bundle on onnxruntime's CPU, fed by hand: what verification measures with.

Reads a bundle from disk as any runtime does (hashes compared, parts joined, int8 weights expanded), and knows
neither tokens' meaning nor what a good result is. Specified in docs/contracts.md, "Graphs".
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol, TypeVar, cast

import numpy as np
import onnxruntime as ort  # type: ignore[import-untyped]
from numpy.typing import NDArray

from pagelm.manifest import Expanded, Graph, Manifest, read_verified
from pagelm_builder.errors import VerificationError
from pagelm_builder.quantize.block_format import BlockFormat
from pagelm_builder.quantize.expansion import expand_rows

# weights expanded at once: in float64, Qwen3-0.6B's whole head would take 1.2 GB several times over
VALUES_PER_EXPANSION = 1 << 22
SEVERITY_ERROR = 3
REMEDY = (
    "Nothing was written. Is the checkpoint damaged, or onnxruntime not one that pagelm was tested with (see "
    "constraints.txt)? If neither, report it with this message and the checkpoint's config.json."
)

_Scalar = TypeVar("_Scalar", bound=np.generic)


class Session(Protocol):
    """The part of onnxruntime's session that is used here; the library has no types."""

    def run(
        self, outputs: list[str], feeds: Mapping[str, NDArray[np.generic]]
    ) -> list[NDArray[np.generic]]: ...


@dataclass(frozen=True, slots=True)
class Step:
    """What one run says about the token after its last: `[vocab_size]`, `[K]`, `[K]`."""

    logits: NDArray[np.float32]
    candidate_logits: NDArray[np.float32]
    candidate_ids: NDArray[np.int64]


def read_weights(folder: Path, manifest: Manifest) -> NDArray[np.uint8]:
    """All parts, joined; one of them at a time is in memory twice.

    Raises:
        pagelm.errors.BundleError: a part is missing or altered.
    """
    weights = np.empty(manifest.weights.bytes, np.uint8)
    offset = 0
    for part in manifest.weights.parts:
        weights[offset : offset + part.bytes] = np.frombuffer(read_verified(folder, part), np.uint8)
        offset += part.bytes
    return weights


def expand_weights(weights: NDArray[np.uint8], expanded: Expanded) -> NDArray[np.uint8]:
    """`expanded.bin` of the W8A8 graph, some rows at a time."""
    result = np.zeros(expanded.bytes, np.uint8)
    for tensor in expanded.tensors:
        rows, columns = tensor.rows, tensor.columns
        form = BlockFormat(tensor.bits, tensor.block_size)
        blocks = columns // form.block_size
        codes = _array(weights, tensor.codes_offset, np.uint8, (rows, blocks, form.block_bytes))
        scales = _array(weights, tensor.scales_offset, np.float16, (rows, blocks))
        weight = _array(result, tensor.weight_offset, np.int8, (columns, rows))
        weight_scales = _array(result, tensor.weight_scales_offset, np.float32, (rows,))
        step = max(1, VALUES_PER_EXPANSION // columns)
        for start in range(0, rows, step):
            some = slice(start, start + step)
            weight[:, some], weight_scales[some] = expand_rows(codes[some], scales[some], form)
    return result


class DecoderSession:
    """One sequence on one graph; `reset` begins another.

    onnxruntime copies what it needs of the weights while it makes the session, so this holds no more than
    that copy. One thread, so that the same machine gives the same figures again.

    Args:
        folder: The bundle.
        weights: What `read_weights` gave.

    Raises:
        pagelm.errors.BundleError: the graph's file is missing or altered.
        VerificationError: onnxruntime refuses the graph.
    """

    def __init__(self, folder: Path, manifest: Manifest, graph: str, weights: NDArray[np.uint8]) -> None:
        entry, model = manifest.graph(graph), manifest.model
        external = external_files(entry, weights)
        self._graph = graph
        model_bytes = read_verified(folder, entry.file)
        try:
            self._session = make_session(model_bytes, external, threads=1)
        except Exception as error:  # as in `run`
            raise _refused(graph, error) from error
        shape = (1, model.num_key_value_heads, 0, model.head_dim)
        self._empty = {
            f"past_key_values.{layer}.{part}": np.zeros(shape, entry.key_value_dtype)
            for layer in range(model.num_hidden_layers)
            for part in ("key", "value")
        }
        self._outputs = ["logits", "candidate_logits", "candidate_ids"]
        self._outputs += [name.replace("past_key_values", "present") for name in self._empty]
        self.reset()

    def reset(self) -> None:
        """Forget every token."""
        self._past: dict[str, NDArray[np.generic]] = dict(self._empty)
        self._length = 0

    def run(self, input_ids: Sequence[int]) -> Step:
        """Append tokens; what the graph says after the last of them.

        Raises:
            VerificationError: onnxruntime fails.
        """
        total = self._length + len(input_ids)
        feeds: dict[str, NDArray[np.generic]] = {
            "input_ids": np.array([input_ids], np.int64),
            "seqlens_k": np.array([total - 1], np.int32),
            "total_sequence_length": np.array([total], np.int32),
            **self._past,
        }
        try:
            logits, values, ids, *present = self._session.run(self._outputs, feeds)
        except Exception as error:  # onnxruntime's own classes derive from nothing narrower
            raise _refused(self._graph, error) from error
        self._past = dict(zip(self._past, present, strict=True))
        self._length = total
        return Step(
            cast("NDArray[np.float32]", logits[0]),
            cast("NDArray[np.float32]", values[0]),
            cast("NDArray[np.int64]", ids[0]),
        )


def _array(
    data: NDArray[np.uint8], offset: int, dtype: type[_Scalar], shape: tuple[int, ...]
) -> NDArray[_Scalar]:
    """A view of some of the bytes; like ONNX's external data, little-endian."""
    length = int(np.prod(shape)) * np.dtype(dtype).itemsize
    return data[offset : offset + length].view(dtype).reshape(shape)


def _refused(graph: str, error: Exception) -> VerificationError:
    return VerificationError(
        f"graph {graph}: onnxruntime fails on it: {error}", expected="a graph that runs", remedy=REMEDY
    )


def external_files(entry: Graph, weights: NDArray[np.uint8]) -> dict[str, NDArray[np.uint8]]:
    """The external data of one graph by file name: the shared weights, and what is expanded from them."""
    external = {entry.external_data: weights}
    if entry.expanded is not None:
        external[entry.expanded.external_data] = expand_weights(weights, entry.expanded)
    return external


def make_session(graph: bytes, external: Mapping[str, NDArray[np.uint8]], *, threads: int) -> Session:
    """A session on the CPU; `external` may go when it exists. 0 threads let onnxruntime choose.

    Raises:
        Exception: onnxruntime refuses the graph; its own classes derive from nothing narrower.
    """
    options = ort.SessionOptions()
    options.log_severity_level = SEVERITY_ERROR
    options.intra_op_num_threads = threads
    # without VNNI, x86 kernels saturate uint8 × int8 sums; WASM's do not
    options.add_session_config_entry("session.x64quantprecision", "1")
    options.add_external_initializers_from_files_in_memory(
        list(external), list(external.values()), [len(data) for data in external.values()]
    )
    session: Session = ort.InferenceSession(graph, options, providers=["CPUExecutionProvider"])
    return session
