"""The native backend's keys and values: buffers that each run reads and writes in place.

Given one buffer as past and as present, onnxruntime's GroupQueryAttention on the CPU writes the new tokens
behind the old ones instead of copying all of them: a copy costs as much as the attention itself. Buffers grow
by doubling. How many of their tokens count is the backend's to know; the rest is never read.

    capacity  [1, num_key_value_heads, 0 … length … capacity, head_dim]
                                       └ tokens ┘└ to come ┘
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import onnxruntime as ort  # type: ignore[import-untyped]  # it has no types

from pagelm.config import ModelConfig

SMALLEST_CAPACITY = 256


class KeyValueBuffers:
    """The buffers of all layers, bound to a session as inputs and as outputs.

    Args:
        binding: What the session runs with.
        model: For the shapes.
        dtype: Of the graph's cache.
        max_positions: What they may grow to.
    """

    def __init__(
        self, binding: ort.IOBinding, model: ModelConfig, dtype: npt.DTypeLike, max_positions: int
    ) -> None:
        self._binding = binding
        self._most = max_positions
        self.capacity = min(SMALLEST_CAPACITY, self._most)
        layers = range(model.num_hidden_layers)
        self._names = [f"{layer}.{part}" for layer in layers for part in ("key", "value")]
        self._shape = (1, model.num_key_value_heads, self.capacity, model.head_dim)
        self._buffers = [self._bind(name, np.empty(self._shape, dtype)) for name in self._names]

    @property
    def bytes(self) -> int:
        """All buffers together."""
        return sum(buffer.nbytes for buffer in self._buffers)

    def reserve(self, tokens: int, *, keep: int) -> None:
        """Make room for this many tokens; the first `keep` stay what they are.

        While it copies, one layer's keys or values are in memory twice. If memory runs out, every buffer is
        either the old one or the new one, and the tokens are still there.
        """
        if tokens <= self.capacity:
            return
        capacity = self.capacity
        while capacity < tokens:
            capacity *= 2
        batch, heads, _, head_dim = self._shape
        self._shape = (batch, heads, min(capacity, self._most), head_dim)
        for index, name in enumerate(self._names):
            old = self._buffers[index]
            new = np.empty(self._shape, old.dtype)
            new[:, :, :keep] = old[:, :, :keep]
            self._buffers[index] = self._bind(name, new)
        self.capacity = self._shape[2]

    def release(self) -> None:
        """Give the memory back; no run may follow."""
        self._binding.clear_binding_inputs()
        self._binding.clear_binding_outputs()
        self._buffers.clear()

    def _bind(self, name: str, buffer: npt.NDArray[np.generic]) -> npt.NDArray[np.generic]:
        # the value is a view of the buffer, which therefore has to live as long as it is bound
        value = ort.OrtValue.ortvalue_from_numpy(buffer)
        self._binding.bind_ortvalue_input(f"past_key_values.{name}", value)
        self._binding.bind_ortvalue_output(f"present.{name}", value)
        return buffer
