"""One graph of a bundle on onnxruntime's CPU, fed by hand: what verification measures with.

It knows neither tokens' meaning nor what a good result is, and takes the graph's external data as files.
Specified in docs/contracts.md, "Graphs".
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol, TypeAlias, cast

import numpy as np
import onnxruntime as ort  # type: ignore[import-untyped]  # it has no types
from numpy.typing import NDArray

from pagelm.bundle_files import read_verified
from pagelm.manifest_values import Manifest
from pagelm_builder.errors import VerificationError

Past: TypeAlias = dict[str, NDArray[np.generic]]

SEVERITY_ERROR = 3
REMEDY = (
    "Nothing was written. Is the checkpoint damaged, or onnxruntime not one that pagelm was tested with (see "
    "constraints.txt)? If neither, report it with this message and the checkpoint's config.json."
)


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


class DecoderSession:
    """One sequence on one graph; `reset` begins another.

    One thread, so that the same machine gives the same figures again.

    Args:
        folder: The bundle.
        external: Folder that `external_data` gave.
        model_bytes: An edited graph to run in its place.

    Raises:
        pagelm.errors.BundleError: the graph's file is missing or altered.
        VerificationError: onnxruntime refuses the graph.
    """

    def __init__(
        self,
        folder: Path,
        manifest: Manifest,
        graph: str,
        external: Path,
        *,
        model_bytes: bytes | None = None,
    ) -> None:
        self._graph = graph
        if model_bytes is None:
            model_bytes = read_verified(folder, manifest.graph(graph).file)
        try:
            self._session = make_session(model_bytes, external, threads=1)
        except Exception as error:  # as in `run`
            raise _refused(graph, error) from error
        self._empty = empty_past(manifest, graph)
        self._outputs = ["logits", "candidate_logits", "candidate_ids"]
        self._outputs += [name.replace("past_key_values", "present") for name in self._empty]
        self.reset()

    def reset(self) -> None:
        """Forget every token."""
        self._past = dict(self._empty)
        self._length = 0

    def run(self, input_ids: Sequence[int]) -> Step:
        """Append tokens; what the graph says after the last of them.

        Raises:
            VerificationError: onnxruntime fails.
        """
        feeds = make_feeds(input_ids, self._length, self._past)
        try:
            logits, values, ids, *present = self._session.run(self._outputs, feeds)
        except Exception as error:  # onnxruntime's own classes derive from nothing narrower
            raise _refused(self._graph, error) from error
        self._past = dict(zip(self._past, present, strict=True))
        self._length += len(input_ids)
        return Step(
            cast("NDArray[np.float32]", logits[0]),
            cast("NDArray[np.float32]", values[0]),
            cast("NDArray[np.int64]", ids[0]),
        )


def empty_past(manifest: Manifest, graph: str) -> Past:
    """The keys and values of no tokens: what a sequence begins with."""
    model = manifest.model
    shape = (1, model.num_key_value_heads, 0, model.head_dim)
    return {
        f"past_key_values.{layer}.{part}": np.zeros(shape, manifest.graph(graph).key_value_dtype)
        for layer in range(model.num_hidden_layers)
        for part in ("key", "value")
    }


def make_feeds(input_ids: Sequence[int], position: int, past: Past) -> Past:
    """The inputs of a run of tokens of which the first stands at `position`."""
    total = position + len(input_ids)
    return {
        "input_ids": np.array([input_ids], np.int64),
        "seqlens_k": np.array([total - 1], np.int32),
        "total_sequence_length": np.array([total], np.int32),
        **past,
    }


def _refused(graph: str, error: Exception) -> VerificationError:
    return VerificationError(
        f"graph {graph}: onnxruntime fails on it: {error}", expected="a graph that runs", remedy=REMEDY
    )


def make_session(graph: bytes, external: Path, *, threads: int) -> Session:
    """A session on the CPU; 0 threads let onnxruntime choose.

    Args:
        external: Folder with the files that the graph names; Windows cannot remove them before the session.

    Raises:
        Exception: onnxruntime refuses the graph; its own classes derive from nothing narrower.
    """
    options = ort.SessionOptions()
    options.log_severity_level = SEVERITY_ERROR
    options.intra_op_num_threads = threads
    # without VNNI, x86 kernels saturate uint8 × int8 sums; WASM's do not
    options.add_session_config_entry("session.x64quantprecision", "1")
    options.add_session_config_entry("session.model_external_initializers_file_folder_path", str(external))
    session: Session = ort.InferenceSession(graph, options, providers=["CPUExecutionProvider"])
    return session
