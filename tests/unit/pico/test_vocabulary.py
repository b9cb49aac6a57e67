"""The tokenizer is Qwen3's but for its merges."""

from __future__ import annotations

import json

import pytest
from tokenizers import Tokenizer

from pagelm_builder.pico.checkpoint_files import CHECKPOINT_DIRECTORY
from pagelm_builder.pico.train import Recipe
from pagelm_builder.pico.vocabulary import BYTE_COUNT, VOCAB_SIZE, byte_characters, make_tokenizer, published

TOKENIZER_FILE = CHECKPOINT_DIRECTORY / "tokenizer.json"


@pytest.fixture(scope="module")
def document() -> dict[str, object]:
    parsed: dict[str, object] = json.loads(TOKENIZER_FILE.read_text(encoding="utf-8"))
    return parsed


def test_everything_but_the_model_is_qwen3s(document: dict[str, object]) -> None:
    parts = published()["tokenizer"]
    assert document["normalizer"] == {"type": "NFC"}
    assert document["normalizer"] == parts["normalizer"]
    assert document["pre_tokenizer"] == parts["pre_tokenizer"]
    assert document["post_processor"] == parts["post_processor"]
    assert document["decoder"] == parts["decoder"]


def test_added_tokens_are_qwen3s_in_order_at_the_end(document: dict[str, object]) -> None:
    added = document["added_tokens"]
    assert isinstance(added, list)
    assert [{**token, "id": 0} for token in added] == [
        {**token, "id": 0} for token in published()["tokenizer"]["added_tokens"]
    ]
    assert [token["id"] for token in added] == list(range(VOCAB_SIZE - len(added), VOCAB_SIZE))
    assert len(added) == 26


def test_bytes_come_first_and_merge_i_makes_id_256_plus_i(document: dict[str, object]) -> None:
    model = document["model"]
    assert isinstance(model, dict)
    by_id = sorted(model["vocab"], key=lambda token: int(model["vocab"][token]))
    assert by_id[:BYTE_COUNT] == byte_characters()
    assert by_id[BYTE_COUNT:] == ["".join(pair) for pair in model["merges"]]
    assert sorted(model["vocab"].values()) == list(range(len(by_id)))
    assert len(byte_characters()) == len(set(byte_characters())) == BYTE_COUNT


def test_words_stay_letters() -> None:
    assert Tokenizer.from_file(str(TOKENIZER_FILE)).encode('"strawberry"').tokens[1:-1] == list("strawberry")


def test_the_recipe_makes_the_committed_tokenizer(document: dict[str, object]) -> None:
    assert json.loads(make_tokenizer(Recipe().seed).to_str()) == document
