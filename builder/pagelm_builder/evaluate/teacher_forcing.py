"""A bundle's graph on onnxruntime's CPU, fed text that is given, not chosen: the logits of every position.

Tokens go in in chunks, over the KV cache, as the product feeds them; a chunk is as long as its logits are
affordable. It knows neither texts nor the checkpoint.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import cast

import numpy as np
from numpy.typing import NDArray

from pagelm.bundle_files import read_verified
from pagelm.manifest_values import Manifest
from pagelm_builder.decoder_session import empty_past, make_feeds, make_session
from pagelm_builder.errors import EvaluationError
from pagelm_builder.evaluate.all_positions import emit_all_positions

# float32 logits of one run: 2^23 are 32 MiB, 55 tokens of Qwen3's vocabulary
LOGITS_AT_ONCE = 1 << 23


class TeacherForcedDecoder:
    """One graph, to be run over any number of sequences.

    Args:
        folder: The bundle.
        external: Folder that `external_data` gave.

    Raises:
        pagelm.errors.BundleError: the bundle has no such graph, or its file is missing or altered.
        EvaluationError: onnxruntime refuses the graph, or it is not one of pagelm's.
    """

    def __init__(self, folder: Path, manifest: Manifest, graph: str, external: Path) -> None:
        entry = manifest.graph(graph)
        self._graph = graph
        graph_file = emit_all_positions(read_verified(folder, entry.file))
        try:
            self._session = make_session(graph_file, external, threads=0)
        except Exception as error:  # onnxruntime's own classes derive from nothing narrower
            raise _failure(graph, error) from error
        self._empty = empty_past(manifest, graph)
        self._outputs = ["logits", *(name.replace("past_key_values", "present") for name in self._empty)]
        self._chunk = max(1, LOGITS_AT_ONCE // manifest.model.vocab_size)

    def logits(self, input_ids: Sequence[int]) -> Iterator[NDArray[np.float32]]:
        """Logits after each token of one sequence, in consecutive runs `[n, vocab_size]`.

        Raises:
            EvaluationError: onnxruntime fails.
        """
        past = dict(self._empty)
        for start in range(0, len(input_ids), self._chunk):
            some = input_ids[start : start + self._chunk]
            try:
                logits, *present = self._session.run(self._outputs, make_feeds(some, start, past))
            except Exception as error:
                raise _failure(self._graph, error) from error
            past = dict(zip(past, present, strict=True))
            yield cast("NDArray[np.float32]", logits[0])


def _failure(graph: str, error: Exception) -> EvaluationError:
    return EvaluationError(
        f"graph {graph}: onnxruntime fails on it: {error}",
        expected="a graph that runs",
        remedy="Install the onnxruntime that pagelm was tested with (see constraints.txt), or export again.",
    )
