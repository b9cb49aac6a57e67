"""From a `pagelm.vocabulary_format.Vocabulary` back to the content of a Hugging Face `tokenizer.json`.

For sources that have none of their own. It writes the forms that `byte_level_bpe` reads, so that reading what
it wrote gives the same vocabulary; it knows neither folders nor where a vocabulary came from.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from pagelm.pretokenizer import LLAMA3_PATTERN, QWEN2_PATTERN, PatternName
from pagelm.vocabulary_format import Vocabulary
from pagelm_builder.config import JsonValue
from pagelm_builder.merge_vocabulary import BYTE_ALPHABET

_REGEXES: Final[Mapping[PatternName, str]] = {"qwen2": QWEN2_PATTERN, "llama3": LLAMA3_PATTERN}
_CHARACTERS: Final = {value: character for character, value in BYTE_ALPHABET.items()}


def to_tokenizer_json(vocabulary: Vocabulary) -> dict[str, JsonValue]:
    """The document, ready for `json.dumps`."""
    entries = [bytes((value,)) for value in vocabulary.base] + list(vocabulary.tokens)
    texts = [_to_text(entry) for entry in entries]
    products = texts[len(vocabulary.base) :]
    return {
        "version": "1.0",
        "truncation": None,
        "padding": None,
        "added_tokens": [
            {
                "id": token.id,
                "content": token.content,
                "single_word": False,
                "lstrip": False,
                "rstrip": False,
                "normalized": False,
                "special": token.special,
            }
            for token in vocabulary.added_tokens
        ],
        "normalizer": None if vocabulary.normalizer is None else {"type": vocabulary.normalizer},
        "pre_tokenizer": _pre_tokenizer(vocabulary.pattern),
        "post_processor": None,
        "decoder": _byte_level(use_regex=False),
        "model": {
            "type": "BPE",
            "dropout": None,
            "unk_token": None,
            "continuing_subword_prefix": "",
            "end_of_word_suffix": "",
            "fuse_unk": False,
            "byte_fallback": False,
            "ignore_merges": vocabulary.whole_tokens,
            "vocab": dict(zip(texts, vocabulary.ids, strict=True)),
            "merges": [
                [product[:cut], product[cut:]] for product, cut in zip(products, vocabulary.cuts, strict=True)
            ],
        },
    }


def _to_text(entry: bytes) -> str:
    """An entry in GPT-2's byte alphabet, one character a byte."""
    return "".join(_CHARACTERS[value] for value in entry)


def _pre_tokenizer(pattern: PatternName) -> JsonValue:
    if pattern == "smollm":
        first: JsonValue = {"type": "Digits", "individual_digits": True}
    else:
        regex: JsonValue = {"Regex": _REGEXES[pattern]}
        first = {"type": "Split", "pattern": regex, "behavior": "Isolated", "invert": False}
    return {"type": "Sequence", "pretokenizers": [first, _byte_level(use_regex=pattern == "smollm")]}


def _byte_level(*, use_regex: bool) -> JsonValue:
    return {"type": "ByteLevel", "add_prefix_space": False, "trim_offsets": False, "use_regex": use_regex}
