"""The numpy decoder, which calibrates and evaluates, against transformers on tiny random models."""

from __future__ import annotations

import numpy as np
import pytest

from pagelm_builder.config import ModelConfig
from pagelm_builder.reference import decoder_layer
from pagelm_builder.reference.decoder import ReferenceDecoder
from tiny_checkpoints import SHAPES, TINY, Arrays, ArraySource, RunsSource, random_arrays
from transformers_models import all_logits

SEQUENCES = [
    [int(token) for token in np.random.default_rng(length).integers(0, 512, length)] for length in (23, 1, 40)
]


def found_logits(config: ModelConfig, arrays: Arrays, sequences: list[list[int]]) -> np.ndarray:
    decoder = ReferenceDecoder(config, ArraySource(arrays))
    return decoder.final_hidden(sequences) @ decoder.read_head().T


@pytest.mark.parametrize("shape", SHAPES)
def test_logits_of_every_position_are_those_of_transformers(shape: str) -> None:
    config = SHAPES[shape]
    arrays = random_arrays(config)
    found = found_logits(config, arrays, SEQUENCES)
    expected = np.concatenate([all_logits(config, arrays, sequence) for sequence in SEQUENCES])
    np.testing.assert_allclose(found, expected, rtol=0, atol=1e-4)


def test_few_tokens_at_once_change_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    arrays = random_arrays(TINY)
    whole = found_logits(TINY, arrays, SEQUENCES)
    monkeypatch.setattr(decoder_layer, "TOKENS_AT_ONCE", 7)
    np.testing.assert_allclose(found_logits(TINY, arrays, SEQUENCES), whole, rtol=0, atol=1e-5)


def test_rows_of_the_embedding_are_found_in_whatever_runs_they_come() -> None:
    arrays = random_arrays(TINY)
    ids = np.array([511, 0, 102, 103, 0])
    found = ReferenceDecoder(TINY, RunsSource(arrays)).embed(ids)
    np.testing.assert_array_equal(found, arrays["model.embed_tokens.weight"][ids])


def test_progress_counts_layers() -> None:
    calls: list[tuple[int, int]] = []
    decoder = ReferenceDecoder(TINY, ArraySource(random_arrays(TINY)))
    decoder.final_hidden(SEQUENCES, lambda *call: calls.append(call))
    assert calls == [(1, 2), (2, 2)]
