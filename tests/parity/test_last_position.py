"""Positions and rotary tables of the real length: the last of 40,960 tokens against transformers."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from graph_sessions import Decoder
from pagelm_builder.variant import FLOAT32
from tiny_checkpoints import TINY, random_arrays
from transformers_models import last_logits

POSITIONS = 40_960
CONFIG = replace(
    TINY,
    num_hidden_layers=1,
    num_attention_heads=2,
    num_key_value_heads=1,
    head_dim=64,
    max_position_embeddings=POSITIONS,
)
CHUNK = 1024


def test_the_last_position_is_that_of_transformers() -> None:
    arrays = random_arrays(CONFIG)
    tokens = [int(token) for token in np.random.default_rng(3).integers(0, CONFIG.vocab_size, POSITIONS)]
    decoder = Decoder(CONFIG, FLOAT32, arrays)
    for start in range(0, POSITIONS - 1, CHUNK):
        decoder.run(tokens[start : min(start + CHUNK, POSITIONS - 1)])
    found = decoder.logits(tokens[-1:])
    assert decoder.length == POSITIONS
    np.testing.assert_allclose(found, last_logits(CONFIG, arrays, tokens), rtol=0, atol=1e-3)
