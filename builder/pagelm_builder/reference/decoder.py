"""The checkpoint's own forward pass, layer by layer, so that one layer's weights are in memory at a time.

Gives the final hidden states; logits are the caller's to make, some tokens at a time, as the vocabulary is
wide. It refuses to know where weights come from (a `TensorSource`) and what is done with the result.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from pagelm_builder.checkpoint import TensorSource
from pagelm_builder.config import ModelConfig
from pagelm_builder.reference.decoder_layer import Floats, LayerWeights, make_rotary, rms_norm, run_layer
from pagelm_builder.tensors import EMBEDDING, ModelTensor, head_name, layer_prefix, model_tensors

FINAL_NORM = "model.norm.weight"


class ReferenceDecoder:
    """Reads what it needs, when it needs it."""

    def __init__(self, config: ModelConfig, source: TensorSource) -> None:
        self.config = config
        self._source = source
        self._tensors = {tensor.key: tensor for tensor in model_tensors(config)}

    def embed(self, input_ids: NDArray[np.int64]) -> Floats:
        """Rows of the embedding, `[tokens, hidden_size]`."""
        hidden = np.empty((len(input_ids), self.config.hidden_size), np.float32)
        start = 0
        for rows in self._source.rows(self._tensors[f"{EMBEDDING}.weight"]):
            inside = np.flatnonzero((input_ids >= start) & (input_ids < start + len(rows)))
            hidden[inside] = rows[input_ids[inside] - start]
            start += len(rows)
        return hidden

    def runs(self, name: str) -> Iterator[Floats]:
        """A matrix by its name, in runs of rows."""
        return self._source.rows(self._tensors[f"{name}.weight"])

    def read_layer(self, layer: int) -> LayerWeights:
        """All arrays of one layer, by their keys within it."""
        prefix = f"{layer_prefix(layer)}."
        return {
            key.removeprefix(prefix): self.read(tensor)
            for key, tensor in self._tensors.items()
            if key.startswith(prefix)
        }

    def read_head(self) -> Floats:
        """The matrix that makes logits, `[vocab_size, hidden_size]`."""
        return self.read(self._tensors[f"{head_name(self.config)}.weight"])

    def read(self, tensor: ModelTensor) -> Floats:
        return np.concatenate(list(self._source.rows(tensor)))

    def normalize(self, hidden: Floats) -> Floats:
        """The norm before the head."""
        return rms_norm(hidden, self.read(self._tensors[FINAL_NORM]), self.config.rms_norm_eps)

    def final_hidden(
        self, sequences: Sequence[Sequence[int]], progress: Callable[[int, int], None] | None = None
    ) -> Floats:
        """What the head is applied to, for all tokens of all sequences, `[tokens, hidden_size]`.

        Args:
            progress: Called with layers done and layers in all.
        """
        lengths = tuple(len(sequence) for sequence in sequences)
        rotary = make_rotary(self.config, lengths)
        hidden = self.embed(np.concatenate([np.asarray(sequence, np.int64) for sequence in sequences]))
        for layer in range(self.config.num_hidden_layers):
            hidden = run_layer(self.config, self.read_layer(layer), hidden, rotary, lengths)
            if progress is not None:
                progress(layer + 1, self.config.num_hidden_layers)
        return self.normalize(hidden)
