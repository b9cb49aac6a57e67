"""`--quantize gptq`: a whole model, quantized layer by layer with the activations that a text gives.

The tied embedding comes first, as everything after it depends on it, and is used both ways: as the head, with
the reference's final hidden states as its inputs, and as a lookup, which wants every weight right. Then each
layer, in order. An untied head comes last. Codes and scales are kept in memory, as many bytes as the bundle's
weights; of the checkpoint, one layer. It knows neither files nor what the text says.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pagelm_builder.checkpoint import TensorSource
from pagelm_builder.config import JsonValue, ModelConfig
from pagelm_builder.quantize.block_format import BlockFormat, WeightFormat
from pagelm_builder.quantize.calibrated_layer import Activations, LayerCalibration, correction, measure
from pagelm_builder.quantize.matrix_calibration import CalibratedMatrix, quantize_matrix
from pagelm_builder.quantize.quantizer import QuantizedRows
from pagelm_builder.quantize.smoothing import ROWS, choose_factors, is_smoothed
from pagelm_builder.reference.decoder import ReferenceDecoder
from pagelm_builder.reference.decoder_layer import Floats, make_rotary
from pagelm_builder.tensors import EMBEDDING, UNTIED_HEAD, ModelTensor, inputs_name, layer_prefix

METHOD = "gptq"
# what a lookup's error costs against the head's, both as shares of their inputs' mean square
LOOKUP_SHARE = 0.2
# enough to know a head's inputs by; the reference has to run over them once more than over the rest
HEAD_TOKENS = 8192

Progress = Callable[[int, int], None]


@dataclass(frozen=True, slots=True)
class Calibrated:
    """Matrices by tensor name, and the factors of their inputs by `inputs_name`."""

    matrices: dict[str, CalibratedMatrix]
    input_factors: dict[str, Floats]


@dataclass(frozen=True, slots=True)
class CalibratedQuantizer:
    """A `MatrixQuantizer` that has done its work already."""

    calibrated: Calibrated
    calibration: Mapping[str, JsonValue]

    def quantize(
        self, tensor: ModelTensor, runs: Iterable[NDArray[np.float32]], form: BlockFormat
    ) -> Iterator[QuantizedRows]:
        matrix = self.calibrated.matrices[tensor.name]
        yield matrix.codes, matrix.scales

    def input_factors(self) -> Mapping[str, Floats]:
        return self.calibrated.input_factors

    def entries(self) -> dict[str, JsonValue]:
        return {"method": METHOD, "calibration": dict(self.calibration)}


def calibrate(
    config: ModelConfig,
    source: TensorSource,
    sequences: Sequence[Sequence[int]],
    weight_format: WeightFormat,
    progress: Progress,
) -> Calibrated:
    """Quantize every matrix of a model.

    Args:
        sequences: Token ids; each begins at position 0.
        progress: Called with steps done and steps in all.
    """
    run = _Run(config, source, sequences, weight_format, progress)
    run.quantize_embedding()
    run.quantize_layers()
    run.quantize_untied_head()
    return run.calibrated


class _Run:
    def __init__(
        self,
        config: ModelConfig,
        source: TensorSource,
        sequences: Sequence[Sequence[int]],
        weight_format: WeightFormat,
        progress: Progress,
    ) -> None:
        self.calibrated = Calibrated({}, {})
        self._config = config
        self._decoder = ReferenceDecoder(config, source)
        self._sequences = sequences
        self._format = weight_format
        self._progress = progress
        self._done = 0
        self._hidden: Activations | None = None

    def quantize_embedding(self) -> None:
        if self._config.tie_word_embeddings:
            form = self._format.head
            hidden = self._reference_hidden()
            moments = LOOKUP_SHARE * np.eye(self._config.hidden_size) + _head_moments(hidden)
            embedding = quantize_matrix(self._decoder.runs(EMBEDDING), moments, form)
            self._smooth_head(EMBEDDING, hidden, embedding)
        else:
            form = self._format.body
            embedding = quantize_matrix(self._decoder.runs(EMBEDDING), np.eye(self._config.hidden_size), form)
        self.calibrated.matrices[EMBEDDING] = embedding
        self._report()
        input_ids = np.concatenate([np.asarray(sequence, np.int64) for sequence in self._sequences])
        looked_up = embedding.take(input_ids).weights(form)
        self._hidden = Activations(looked_up, self._decoder.embed(input_ids))

    def quantize_layers(self) -> None:
        lengths = tuple(len(sequence) for sequence in self._sequences)
        rotary = make_rotary(self._config, lengths)
        assert self._hidden is not None
        for layer in range(self._config.num_hidden_layers):
            weights = self._decoder.read_layer(layer)
            calibration = LayerCalibration(self._config, weights, self._format.body, rotary, lengths)
            self._hidden = calibration.run(self._hidden)
            for name, matrix in calibration.matrices.items():
                self.calibrated.matrices[f"{layer_prefix(layer)}.{name}"] = matrix
            for name, factors in calibration.input_factors.items():
                self.calibrated.input_factors[f"{layer_prefix(layer)}.{name}"] = factors
            self._report()

    def quantize_untied_head(self) -> None:
        if self._config.tie_word_embeddings:
            return
        assert self._hidden is not None
        normalize = self._decoder.normalize
        inputs = Activations(normalize(self._hidden.found), normalize(self._hidden.reference))
        statistics = measure(inputs)
        head = quantize_matrix(
            self._decoder.runs(UNTIED_HEAD), statistics.moments, self._format.head, correction(statistics)
        )
        self._smooth_head(UNTIED_HEAD, inputs.found, head)
        self.calibrated.matrices[UNTIED_HEAD] = head
        self._report()

    def _reference_hidden(self) -> Floats:
        """The reference's final hidden states, `[tokens, hidden_size]`."""
        return self._decoder.final_hidden(
            _first_tokens(self._sequences, HEAD_TOKENS), lambda *_: self._report()
        )

    def _smooth_head(self, name: str, inputs: Floats, head: CalibratedMatrix) -> None:
        rows = np.arange(0, len(head.codes), max(1, len(head.codes) // ROWS))
        factors = choose_factors(inputs, head.take(rows).weights(self._format.head))
        if is_smoothed(factors):
            self.calibrated.input_factors[inputs_name(name)] = factors

    def _report(self) -> None:
        self._done += 1
        layers = self._config.num_hidden_layers
        self._progress(self._done, 2 * layers + 1 if self._config.tie_word_embeddings else layers + 2)


def _head_moments(hidden: Floats) -> NDArray[np.float64]:
    """Scaled to a mean square of 1."""
    moments = measure(Activations(hidden, hidden)).moments
    return moments / float(np.diag(moments).mean())


def _first_tokens(sequences: Sequence[Sequence[int]], tokens: int) -> list[Sequence[int]]:
    """Whole sequences, until there are enough."""
    ends = np.cumsum([len(sequence) for sequence in sequences])
    return list(sequences[: int(np.searchsorted(ends, tokens)) + 1])
