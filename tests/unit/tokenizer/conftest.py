"""A tokenizer folder as `save_pretrained` writes it, with Qwen3's parts and a vocabulary of a few words."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from pagelm.pretokenizer import QWEN2_PATTERN
from pagelm_builder.merge_vocabulary import BYTE_ALPHABET
from unit.text.small_vocabulary import CONTENTS, MERGES

CHARACTER_OF = {value: character for character, value in BYTE_ALPHABET.items()}


def to_characters(token: bytes) -> str:
    return "".join(CHARACTER_OF[value] for value in token)


@pytest.fixture
def document() -> dict[str, Any]:
    """tokenizer.json, parsed; the same vocabulary as `make_vocabulary()`."""
    pairs = [[to_characters(left), to_characters(right)] for left, right in MERGES]
    tokens = [CHARACTER_OF[value] for value in range(256)] + ["".join(pair) for pair in pairs]
    byte_level = {"type": "ByteLevel", "add_prefix_space": False, "trim_offsets": False, "use_regex": False}
    split = {"type": "Split", "pattern": {"Regex": QWEN2_PATTERN}, "behavior": "Isolated", "invert": False}
    return {
        "version": "1.0",
        "truncation": None,
        "padding": None,
        "added_tokens": [
            {
                "id": len(tokens) + i,
                "content": content,
                "single_word": False,
                "lstrip": False,
                "rstrip": False,
                "normalized": False,
                "special": content.startswith("<|"),
            }
            for i, content in enumerate(CONTENTS)
        ],
        "normalizer": {"type": "NFC"},
        "pre_tokenizer": {"type": "Sequence", "pretokenizers": [split, byte_level]},
        "post_processor": byte_level,
        "decoder": byte_level,
        "model": {
            "type": "BPE",
            "dropout": None,
            "unk_token": None,
            "continuing_subword_prefix": "",
            "end_of_word_suffix": "",
            "fuse_unk": False,
            "byte_fallback": False,
            "ignore_merges": False,
            "vocab": {token: id for id, token in enumerate(tokens)},
            "merges": pairs,
        },
    }


@pytest.fixture
def config() -> dict[str, Any]:
    """tokenizer_config.json, parsed."""
    return {
        "eos_token": "<|im_end|>",
        "pad_token": "<|endoftext|>",
        "added_tokens_decoder": {"277": {"content": "<|endoftext|>"}, "282": {"content": "<think>"}},
        "chat_template": "{{ messages[0].content }}",
    }


@pytest.fixture
def folder(tmp_path: Path, document: dict[str, Any], config: dict[str, Any]) -> Path:
    write_json(tmp_path / "tokenizer.json", document)
    write_json(tmp_path / "tokenizer_config.json", config)
    return tmp_path


def write_json(path: Path, content: object) -> None:
    path.write_text(json.dumps(content), encoding="utf-8")
