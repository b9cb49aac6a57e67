"""The native backend: a bundle's graph in onnxruntime on this machine's CPU, for scripts and tests.

With `_native_weights`, `_native_key_values` and `_native_outputs` the only files that import onnxruntime and
numpy. It feeds the session and says what came out; it chooses nothing. Graph inputs and outputs:
docs/contracts.md, "Graphs".
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from pathlib import Path
from typing import Literal

import numpy as np
import numpy.typing as npt
import onnxruntime as ort  # type: ignore[import-untyped]  # it has no types

from pagelm._native_key_values import KeyValueBuffers
from pagelm._native_outputs import OutputRows
from pagelm._native_weights import expand_weights, read_weights
from pagelm.backend import Candidates, Capabilities, check_prefill, check_truncate, check_verify
from pagelm.bundle_files import read_verified
from pagelm.errors import BackendError
from pagelm.key_value_budget import positions_within
from pagelm.manifest import load_manifest
from pagelm.manifest_values import Graph, Manifest

NativeGraph = Literal["native", "wasm"]

_NUMPY_DTYPES: dict[str, npt.DTypeLike] = {"float32": np.float32, "float16": np.float16}
_SEVERITY_ERROR = 3


class NativeBackend:
    """One sequence on the CPU.

    Args:
        session: A decoder graph of the contract.
        manifest: The bundle that the graph is of.
        graph: Its name in the bundle.
        memory_budget: Bytes for keys and values; None: no limit but the model's positions.

    Raises:
        DeviceMemoryError: The budget is too small for any conversation.
    """

    def __init__(
        self, session: ort.InferenceSession, manifest: Manifest, graph: str, memory_budget: int | None = None
    ) -> None:
        model, entry = manifest.model, manifest.graph(graph)
        self._session: ort.InferenceSession | None = session
        self._capabilities = Capabilities(
            "native",
            graph,
            min(entry.candidates, model.vocab_size),
            model.vocab_size,
            positions_within(model, entry.key_value_dtype, memory_budget),
            entry.verify_tokens,
        )
        self._binding = session.io_binding()
        self._key_values = KeyValueBuffers(
            self._binding,
            model,
            _NUMPY_DTYPES[entry.key_value_dtype],
            self._capabilities.max_positions,
        )
        self._outputs = OutputRows(self._binding, self._capabilities)
        self._has_logits = False
        self._length = 0

    @classmethod
    def load(
        cls,
        folder: str | Path,
        *,
        graph: NativeGraph = "native",
        threads: int = 0,
        memory_budget: int | None = None,
    ) -> NativeBackend:
        """Make a session of one of a bundle's graphs, having compared its files with their hashes.

        Args:
            folder: The bundle.
            graph: "native", or "wasm" to compute here exactly what the page computes on WASM.
            threads: For the arithmetic; 0 lets onnxruntime choose.
            memory_budget: Bytes for keys and values; None: no limit but the model's positions.

        Raises:
            BundleError: A file of the bundle is missing, altered or wrong.
            DeviceMemoryError: The budget is too small for any conversation.
            BackendError: onnxruntime refuses the graph.
        """
        manifest = load_manifest(folder)
        entry = manifest.graph(graph)
        weights = read_weights(folder, manifest.weights)
        external = {entry.external_data: weights}
        if entry.expanded:
            external[entry.expanded.external_data] = expand_weights(weights, entry.expanded)
        return cls(_make_session(folder, entry, external, threads), manifest, graph, memory_budget)

    @property
    def capabilities(self) -> Capabilities:
        return self._capabilities

    @property
    def length(self) -> int:
        return self._length

    @property
    def key_value_bytes(self) -> int:
        return self._key_values.bytes

    async def prefill(self, input_ids: Sequence[int], position: int) -> Candidates:
        max_positions = self._capabilities.max_positions
        check_prefill(input_ids, position, length=self._length, max_positions=max_positions)
        return (await self._run(input_ids, rows=1))[0]

    async def decode(self, token_id: int) -> Candidates:
        return await self.prefill((token_id,), self._length)

    async def verify(self, input_ids: Sequence[int], position: int) -> Sequence[Candidates]:
        check_verify(input_ids, position, length=self._length, capabilities=self._capabilities)
        return await self._run(input_ids, rows=len(input_ids))

    def truncate(self, length: int) -> None:
        self._open_session()
        check_truncate(length, length=self._length)
        if length < self._length:
            self._length = length
            self._has_logits = False

    async def logits(self) -> Sequence[float]:
        self._open_session()
        if not self._has_logits:
            raise BackendError(
                "no step to take logits from", expected="a prefill or decode", remedy="Run one first."
            )
        return self._outputs.last_logits()

    async def close(self) -> None:
        self._session = None
        self._key_values.release()
        self._has_logits = False

    async def _run(self, input_ids: Sequence[int], *, rows: int) -> list[Candidates]:
        """Append tokens; the candidates that follow the last `rows` of them."""
        session = self._open_session()
        total = self._length + len(input_ids)
        self._key_values.reserve(total, keep=self._length)
        self._outputs.bind(rows)
        self._has_logits = False
        # bound values are views of these arrays, which have to outlive the run
        feeds = {
            "input_ids": np.array([input_ids], np.int64),
            "seqlens_k": np.array([total - 1], np.int32),
            "total_sequence_length": np.array([total], np.int32),
        }
        for name, array in feeds.items():
            self._binding.bind_ortvalue_input(name, ort.OrtValue.ortvalue_from_numpy(array))
        try:
            session.run_with_iobinding(self._binding)
        except Exception as error:  # onnxruntime's own classes derive from nothing narrower
            raise _refused(f"onnxruntime failed on tokens {self._length} to {total - 1}: {error}") from error
        self._length, self._has_logits = total, True
        await asyncio.sleep(0)  # a run never suspends: without this nobody else would, and no cancel arrive
        return self._outputs.candidates()

    def _open_session(self) -> ort.InferenceSession:
        if self._session is None:
            raise BackendError("the backend is closed", expected="an open one", remedy="Load it again.")
        return self._session


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


def _refused(problem: str) -> BackendError:
    return BackendError(
        problem,
        expected="a graph that this onnxruntime runs",
        remedy="Install the onnxruntime that pagelm's extra `native` asks for, or export the bundle again.",
    )
