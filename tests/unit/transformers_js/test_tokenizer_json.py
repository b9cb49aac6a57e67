"""A vocabulary written as tokenizer.json is read as the same one, by pagelm and by `tokenizers`."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Literal

import pytest
from tokenizers import Tokenizer as Oracle

from pagelm.pretokenizer import PATTERN_NAMES, PatternName
from pagelm.tokenizer import Tokenizer
from pagelm.vocabulary_format import Vocabulary
from pagelm_builder.byte_level_bpe import to_vocabulary
from pagelm_builder.transformers_js.tokenizer_json import to_tokenizer_json
from unit.text.small_vocabulary import make_vocabulary

TEXT = "<|im_start|>user\nhello world, im_ é 2024\n\n  thinking → <think>or</think> I'LL end<|im_end|>"


def vocabulary_with(pattern: PatternName, normalizer: Literal["NFC"] | None = "NFC") -> Vocabulary:
    return replace(make_vocabulary(), pattern=pattern, normalizer=normalizer)


@pytest.mark.parametrize("pattern", PATTERN_NAMES)
@pytest.mark.parametrize("normalizer", ["NFC", None])
def test_what_is_written_is_read_as_it_was(pattern: PatternName, normalizer: Literal["NFC"] | None) -> None:
    vocabulary = vocabulary_with(pattern, normalizer)
    document = json.loads(json.dumps(to_tokenizer_json(vocabulary)))
    assert to_vocabulary(document) == replace(vocabulary, ids=list(vocabulary.ids))


@pytest.mark.parametrize("pattern", PATTERN_NAMES)
def test_hugging_faces_tokenizers_gives_the_same_ids(pattern: PatternName) -> None:
    vocabulary = vocabulary_with(pattern)
    oracle = Oracle.from_str(json.dumps(to_tokenizer_json(vocabulary)))
    ids = oracle.encode(TEXT, add_special_tokens=False).ids
    assert ids == Tokenizer(vocabulary).encode(TEXT, allow_special=True)
    assert oracle.decode(ids, skip_special_tokens=False) == TEXT
