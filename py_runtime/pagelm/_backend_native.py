"""The native backend: a bundle's graph in onnxruntime on this machine's CPU, for scripts and tests.

The only file that imports onnxruntime and numpy. It holds keys and values as onnxruntime left them and passes
them on from step to step; it chooses nothing. Graph inputs and outputs: docs/contracts.md, "Graphs".
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
import onnxruntime as ort  # type: ignore[import-untyped]

from pagelm.backend import Candidates, Capabilities, check_prefill, check_truncate
from pagelm.errors import BackendError
from pagelm.manifest import Expanded, ExpandedTensor, Graph, Manifest, Weights, load_manifest, read_verified

NativeGraph = Literal["native", "wasm"]

_NUMPY_DTYPES: dict[str, npt.DTypeLike] = {"float32": np.float32, "float16": np.float16}
_STEP_OUTPUTS = ("candidate_logits", "candidate_ids", "logits")
_SEVERITY_ERROR = 3
_ELEMENTS_AT_ONCE = 1 << 22
"""Weights to expand at once: in float64 the whole head of Qwen3-0.6B would take 1.2 GB several times over."""


class NativeBackend:
    """One sequence on the CPU.

    Args:
        session: A decoder graph of the contract.
        manifest: The bundle that the graph is of.
        graph: Its name in the bundle.
    """

    def __init__(self, session: ort.InferenceSession, manifest: Manifest, graph: str) -> None:
        model = manifest.model
        self._session: ort.InferenceSession | None = session
        self._capabilities = Capabilities(
            "native",
            graph,
            min(manifest.graph(graph).candidates, model.vocab_size),
            model.vocab_size,
            model.max_position_embeddings,
        )
        layers = range(model.num_hidden_layers)
        self._past_names = [
            f"past_key_values.{layer}.{part}" for layer in layers for part in ("key", "value")
        ]
        present_names = [f"present.{layer}.{part}" for layer in layers for part in ("key", "value")]
        self._output_names = [*_STEP_OUTPUTS, *present_names]
        dtype = _NUMPY_DTYPES[manifest.graph(graph).key_value_dtype]
        empty = np.zeros((1, model.num_key_value_heads, 0, model.head_dim), dtype)
        self._empty = [ort.OrtValue.ortvalue_from_numpy(empty) for _ in self._past_names]
        self._past = self._empty
        self._logits: ort.OrtValue | None = None
        self._length = 0

    @classmethod
    def load(cls, folder: str | Path, *, graph: NativeGraph = "native", threads: int = 0) -> NativeBackend:
        """Make a session of one of a bundle's graphs, having compared its files with their hashes.

        Args:
            folder: The bundle.
            graph: "native", or "wasm" to compute here exactly what the page computes on WASM.
            threads: For the arithmetic; 0 lets onnxruntime choose.

        Raises:
            BundleError: A file of the bundle is missing, altered or wrong.
            BackendError: onnxruntime refuses the graph.
        """
        manifest = load_manifest(folder)
        entry = manifest.graph(graph)
        weights = _read_weights(folder, manifest.weights)
        external = {entry.external_data: weights}
        if entry.expanded:
            external[entry.expanded.external_data] = expand_weights(weights, entry.expanded)
        return cls(_make_session(folder, entry, external, threads), manifest, graph)

    @property
    def capabilities(self) -> Capabilities:
        return self._capabilities

    @property
    def length(self) -> int:
        return self._length

    async def prefill(self, input_ids: Sequence[int], position: int) -> Candidates:
        max_positions = self._capabilities.max_positions
        check_prefill(input_ids, position, length=self._length, max_positions=max_positions)
        return await self._run(input_ids)

    async def decode(self, token_id: int) -> Candidates:
        return await self.prefill((token_id,), self._length)

    def truncate(self, length: int) -> None:
        self._open_session()
        check_truncate(length, length=self._length)
        if length < self._length:
            self._past = [_first_positions(value, length) for value in self._past] if length else self._empty
            self._length = length
            self._logits = None

    async def logits(self) -> Sequence[float]:
        self._open_session()
        if self._logits is None:
            raise BackendError(
                "no step to take logits from", expected="a prefill or decode", remedy="Run one first."
            )
        return _to_list(self._logits)

    async def close(self) -> None:
        self._session = None
        self._past = self._empty = []
        self._logits = None

    async def _run(self, input_ids: Sequence[int]) -> Candidates:
        session = self._open_session()
        total = self._length + len(input_ids)
        feeds = {
            "input_ids": ort.OrtValue.ortvalue_from_numpy(np.array([input_ids], np.int64)),
            "seqlens_k": ort.OrtValue.ortvalue_from_numpy(np.array([total - 1], np.int32)),
            "total_sequence_length": ort.OrtValue.ortvalue_from_numpy(np.array([total], np.int32)),
            **dict(zip(self._past_names, self._past, strict=True)),
        }
        try:
            values, ids, logits, *present = session.run_with_ort_values(self._output_names, feeds)
        except Exception as error:  # onnxruntime's own classes derive from nothing narrower
            raise _refused(f"onnxruntime failed on tokens {self._length} to {total - 1}: {error}") from error
        self._past, self._logits, self._length = present, logits, total
        await asyncio.sleep(0)  # a run never suspends: without this nobody else would, and no cancel arrive
        return Candidates(_to_list(values), _to_list(ids))

    def _open_session(self) -> ort.InferenceSession:
        if self._session is None:
            raise BackendError("the backend is closed", expected="an open one", remedy="Load it again.")
        return self._session


def expand_weights(weights: npt.NDArray[np.uint8], expanded: Expanded) -> npt.NDArray[np.uint8]:
    """External data of the `wasm` graph, computed from the shared weights (docs/contracts.md, "Graphs").

    Args:
        weights: All parts, concatenated.
        expanded: Where each tensor is and where it goes.
    """
    data = np.zeros(expanded.bytes, np.uint8)
    for tensor in expanded.tensors:
        rows_at_once = max(1, _ELEMENTS_AT_ONCE // tensor.columns)
        for start in range(0, tensor.rows, rows_at_once):
            _expand_rows(weights, data, tensor, start, min(start + rows_at_once, tensor.rows))
    return data


def _expand_rows(
    weights: npt.NDArray[np.uint8], data: npt.NDArray[np.uint8], tensor: ExpandedTensor, start: int, stop: int
) -> None:
    """Rows `start` to `stop` of one tensor: codes `[N, blocks, block_size * bits / 8]` to int8 `[K, N]`."""
    rows, columns, blocks = tensor.rows, tensor.columns, tensor.columns // tensor.block_size
    size = rows * columns * tensor.bits // 8
    codes = _region(weights, tensor.codes_offset, size).reshape(rows, blocks, -1)[start:stop]
    scales = _region(weights, tensor.scales_offset, rows * blocks * 2).view("<f2").reshape(rows, blocks, 1)
    levels = np.stack((codes & 15, codes >> 4), axis=-1) if tensor.bits == 4 else codes
    offset_codes = levels.reshape(stop - start, blocks, tensor.block_size).astype(np.float64)
    dense = (offset_codes - 2 ** (tensor.bits - 1)) * scales[start:stop].astype(np.float64)
    dense = dense.reshape(stop - start, columns)
    row_scales = (np.abs(dense).max(axis=1) / 127).astype(np.float32)
    row_scales[row_scales == 0] = 1
    quantized = np.floor(dense / row_scales[:, None].astype(np.float64) + 0.5).astype(np.int8)
    target = _region(data, tensor.weight_offset, rows * columns).view(np.int8).reshape(columns, rows)
    target[:, start:stop] = quantized.T
    _region(data, tensor.weight_scales_offset + start * 4, (stop - start) * 4)[:] = row_scales.view(np.uint8)


def _read_weights(folder: str | Path, weights: Weights) -> npt.NDArray[np.uint8]:
    """All parts, concatenated; at no time is more than one of them in memory twice."""
    data = np.empty(weights.bytes, np.uint8)
    offset = 0
    for part in weights.parts:
        _region(data, offset, part.bytes)[:] = np.frombuffer(read_verified(folder, part), np.uint8)
        offset += part.bytes
    return data


def _region(data: npt.NDArray[np.uint8], offset: int, length: int) -> npt.NDArray[np.uint8]:
    return data[offset : offset + length]


def _make_session(
    folder: str | Path, entry: Graph, external: dict[str, npt.NDArray[np.uint8]], threads: int
) -> ort.InferenceSession:
    options = ort.SessionOptions()
    options.log_severity_level = _SEVERITY_ERROR
    options.intra_op_num_threads = threads
    # Without it x86 processors that lack VNNI add pairs of int8 products in 16 bits, which saturate.
    options.add_session_config_entry("session.x64quantprecision", "1")
    sizes = [len(data) for data in external.values()]
    # onnxruntime reads these buffers while it makes the session and copies what it needs: `external` keeps
    # them alive until then, and nothing has to afterwards.
    options.add_external_initializers_from_files_in_memory(list(external), list(external.values()), sizes)
    graph = read_verified(folder, entry.file)
    try:
        return ort.InferenceSession(graph, options, providers=["CPUExecutionProvider"])
    except Exception as error:
        raise _refused(f"onnxruntime refuses {entry.file.file}: {error}") from error


def _first_positions(value: ort.OrtValue, length: int) -> ort.OrtValue:
    """`[1, num_key_value_heads, length, head_dim]` of a longer one, copied."""
    return ort.OrtValue.ortvalue_from_numpy(np.ascontiguousarray(value.numpy()[:, :, :length]))


def _to_list(value: ort.OrtValue) -> list[Any]:
    values: list[Any] = value.numpy()[0].tolist()
    return values


def _refused(problem: str) -> BackendError:
    return BackendError(
        problem,
        expected="a graph that this onnxruntime runs",
        remedy="Install the onnxruntime that pagelm's extra `native` asks for, or export the bundle again.",
    )
