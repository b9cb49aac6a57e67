"""This interpreter against frozen answers of `tokenizers` and transformers (tests/parity/frozen_oracle.py).

CPython 3.11 knows Unicode 14, Pyodide's Python 16: what is right on the one may be wrong on the other.
"""

from __future__ import annotations

import json
from binascii import crc32
from pathlib import Path
from typing import Any

import pytest

from pagelm.chat_template import ChatTemplate, encode_chat
from pagelm.normalizer import normalize_nfc
from pagelm.pretokenizer import PatternName, Pretokenizer
from pagelm.tokenizer import Tokenizer

HERE = Path(__file__).parent


def load(name: str) -> list[Any]:
    loaded: list[Any] = json.loads((HERE / name).read_text(encoding="utf-8"))
    return loaded


@pytest.fixture(scope="module")
def template() -> ChatTemplate:
    return ChatTemplate((HERE / "qwen3.jinja").read_text(encoding="utf-8"))


def test_text_normalizes_as_frozen() -> None:
    for text, normalized, _ in load("frozen_text.json"):
        assert normalize_nfc(text) == normalized, ascii(text)


def test_text_is_cut_as_frozen() -> None:
    pretokenizer = Pretokenizer("qwen2")
    for _, normalized, pieces in load("frozen_text.json"):
        assert pretokenizer.split(normalized) == pieces, ascii(normalized)


@pytest.mark.parametrize(("column", "pattern"), [(1, "llama3"), (2, "smollm")])
def test_text_is_cut_as_frozen_by_other_patterns(column: int, pattern: PatternName) -> None:
    pretokenizer = Pretokenizer(pattern)
    for entry in load("frozen_pieces.json"):
        assert pretokenizer.split(entry[0]) == entry[column], ascii(entry[0])


def test_every_code_point_normalizes_as_frozen() -> None:
    starts = (*range(0, 0x40000, 0x1000), 0xE0000)
    for start, checksum in zip(starts, load("frozen_normalization.json"), strict=True):
        codes = [code for code in range(start, start + 0x1000) if not 0xD800 <= code < 0xE000]
        text = "".join(f"e{chr(code)}\u0334\u0301{chr(code)}\u0323\n" for code in codes)
        assert crc32(normalize_nfc(text).encode()) == checksum, f"between {start:#x} and {start + 0x1000:#x}"


def test_chats_render_as_frozen(template: ChatTemplate) -> None:
    for chat in load("frozen_chats.json"):
        text = chat.pop("text")
        assert template.render(**chat) == text  # type: ignore[arg-type]


def test_chats_without_markers_encode_as_their_text(template: ChatTemplate, tokenizer: Tokenizer) -> None:
    compared = 0
    for chat in load("frozen_chats.json"):
        text = chat.pop("text")
        if not any(content in json.dumps(chat) for content in tokenizer.special_ids):
            ids = encode_chat(tokenizer, template, **chat)  # type: ignore[arg-type]
            assert ids == tokenizer.encode(str(text), allow_special=True)
            compared += 1
    assert compared > 40
