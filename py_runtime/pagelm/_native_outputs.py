"""What a run of the native backend says about its last tokens: candidates and logits, a row for each.

The arrays are made once, and each number of rows is a view of their beginning: memory that no run has written
is never touched. Graph outputs and `num_logits_to_keep`: docs/contracts.md, "Graphs".

    candidate_logits [rows, K] · candidate_ids [rows, K] · logits [rows, vocab_size]   rows: 1, or all
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import onnxruntime as ort  # type: ignore[import-untyped]  # it has no types

from pagelm.backend import Candidates, Capabilities


class OutputRows:
    """The outputs of a session, bound to it.

    Args:
        binding: What the session runs with.
        capabilities: For the shapes; a graph that cannot verify has one row.
    """

    def __init__(self, binding: ort.IOBinding, capabilities: Capabilities) -> None:
        self._binding = binding
        self._takes_count = capabilities.verify_tokens > 0
        most, count = max(1, capabilities.verify_tokens), capabilities.candidates
        self._values = np.empty((most, count), np.float32)
        self._ids = np.empty((most, count), np.int64)
        self._logits = np.empty((most, capabilities.vocab_size), np.float32)
        self._count = np.empty(1, np.int64)
        self._rows = 0
        self.bind(1)

    def bind(self, rows: int) -> None:
        """Let the next runs write so many rows: about their last tokens."""
        if rows == self._rows:
            return
        self._rows = rows
        outputs: dict[str, npt.NDArray[Any]] = {
            "candidate_logits": self._values,
            "candidate_ids": self._ids,
            "logits": self._logits,
        }
        for name, array in outputs.items():
            self._binding.bind_ortvalue_output(name, ort.OrtValue.ortvalue_from_numpy(array[:rows]))
        if self._takes_count:
            self._count[0] = rows
            self._binding.bind_ortvalue_input(
                "num_logits_to_keep", ort.OrtValue.ortvalue_from_numpy(self._count)
            )

    def candidates(self) -> list[Candidates]:
        """Of each row, in the order of the tokens."""
        rows = zip(self._values[: self._rows].tolist(), self._ids[: self._rows].tolist(), strict=True)
        return [Candidates(values, ids) for values, ids in rows]

    def last_logits(self) -> list[float]:
        """All logits of the last row, `[vocab_size]`."""
        last = self._rows - 1
        values: list[float] = self._logits[last].tolist()
        return values
