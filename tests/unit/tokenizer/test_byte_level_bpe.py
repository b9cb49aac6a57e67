"""Which tokenizer.json is taken, and that every other one is refused by the key that differs."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from pagelm.pretokenizer import PATTERN_NAMES, PatternName
from pagelm.tokenizer import Tokenizer
from pagelm_builder.byte_level_bpe import to_vocabulary
from pagelm_builder.errors import TokenizerFormatError
from pagelm_builder.merge_vocabulary import BYTE_ALPHABET
from parity.reference_pretokenizers import pre_tokenizer_json
from unit.text.small_vocabulary import make_vocabulary

Document = dict[str, Any]


def test_qwens_parts_become_the_vocabulary(document: Document) -> None:
    expected = make_vocabulary()
    assert to_vocabulary(document) == replace(expected, ids=list(expected.ids))


def test_merges_may_be_written_as_strings(document: Document) -> None:
    expected = to_vocabulary(document)
    document["model"]["merges"] = [" ".join(pair) for pair in document["model"]["merges"]]
    assert to_vocabulary(document) == expected


def test_the_byte_alphabet_covers_all_bytes_with_printable_characters() -> None:
    assert sorted(BYTE_ALPHABET.values()) == list(range(256))
    assert all(character.isprintable() and character != " " for character in BYTE_ALPHABET)


def test_bytes_that_utf8_never_uses_may_be_missing(document: Document) -> None:
    del document["model"]["vocab"][next(c for c, value in BYTE_ALPHABET.items() if value == 0xC0)]
    assert 0xC0 not in to_vocabulary(document).base


def test_control_characters_that_smollm_never_met_may_be_missing(document: Document) -> None:
    del document["model"]["vocab"][next(c for c, value in BYTE_ALPHABET.items() if value == 0x13)]
    assert Tokenizer(to_vocabulary(document)).encode("a\x13b") == [97, 98]


def test_added_tokens_in_the_vocabulary_are_no_entries(document: Document) -> None:
    expected = to_vocabulary(document)
    for token in document["added_tokens"]:
        document["model"]["vocab"][token["content"]] = token["id"]
    assert to_vocabulary(document) == expected


def test_an_entry_that_its_own_merges_miss_is_noticed(document: Document) -> None:
    # "ab" joins before "ca", so "cab" never becomes one token.
    document["model"]["vocab"] |= {"ab": 300, "ca": 301, "cab": 302}
    document["model"]["merges"] += [["a", "b"], ["c", "a"], ["ca", "b"]]
    assert to_vocabulary(document).whole_tokens is False
    document["model"]["ignore_merges"] = True
    assert to_vocabulary(document).whole_tokens is True


def put(*keys: str | int, value: object) -> Callable[[Document], None]:
    """A change of one place in the document."""

    def change(document: Any) -> None:
        for key in keys[:-1]:
            document = document[key]
        document[keys[-1]] = value

    return change


@pytest.mark.parametrize("pattern", PATTERN_NAMES)
def test_each_pre_tokenizer_is_recognized(document: Document, pattern: PatternName) -> None:
    document["pre_tokenizer"] = pre_tokenizer_json(pattern)
    assert to_vocabulary(document).pattern == pattern


def test_llama3s_template_processing_is_left_to_the_chat_template(document: Document) -> None:
    steps = [document["post_processor"], TEMPLATE_PROCESSING]
    expected = to_vocabulary(document)
    document["post_processor"] = {"type": "Sequence", "processors": steps}
    assert to_vocabulary(document) == expected


STEPS = ("pre_tokenizer", "pretokenizers")
METASPACE = {"type": "Metaspace", "replacement": "▁", "prepend_scheme": "always"}
TEMPLATE_PROCESSING = {"type": "TemplateProcessing", "single": [], "pair": [], "special_tokens": {}}


@pytest.mark.parametrize(
    ("change", "named"),
    [
        (put("truncation", value={"max_length": 512}), "truncation"),
        (put("padding", value={"strategy": "BatchLongest"}), "padding"),
        (put("normalizer", value={"type": "NFKC"}), "normalizer"),
        (put("normalizer", value={"type": "Sequence", "normalizers": []}), "normalizer"),
        (put("pre_tokenizer", value=METASPACE), "pre_tokenizer"),
        (put("pre_tokenizer", value=None), "pre_tokenizer"),
        (put(*STEPS, 0, "pattern", value={"Regex": r"\s+"}), r"pretokenizers\[0\].pattern"),
        (put(*STEPS, 0, "behavior", value="Removed"), r"pretokenizers\[0\]"),
        (put(*STEPS, 0, "invert", value=True), r"pretokenizers\[0\]"),
        (put(*STEPS, 1, "add_prefix_space", value=True), r"pretokenizers\[1\]"),
        (put(*STEPS, 1, "use_regex", value=True), r"pretokenizers\[1\]"),
        (put(*STEPS, 0, value={"type": "Digits", "individual_digits": False}), r"pretokenizers\[0\]"),
        (put(*STEPS, 0, value={"type": "Digits", "individual_digits": True}), r"pretokenizers\[1\]"),
        (put("post_processor", value=TEMPLATE_PROCESSING), "post_processor"),
        (put("post_processor", value={"type": "Sequence", "processors": [TEMPLATE_PROCESSING]}), "post_proc"),
        (put("decoder", value={"type": "WordPiece"}), "decoder"),
        (put("model", value=[]), "model"),
        (put("model", "type", value="Unigram"), r"model\.type.*Unigram.*expected 'BPE'"),
        (put("model", "unk_token", value="<unk>"), r"model\.unk_token"),
        (put("model", "dropout", value=0.1), r"model\.dropout"),
        (put("model", "byte_fallback", value=True), r"model\.byte_fallback"),
        (put("model", "continuing_subword_prefix", value="##"), r"model\.continuing_subword_prefix"),
        (put("model", "end_of_word_suffix", value="</w>"), r"model\.end_of_word_suffix"),
        (put("model", "vocab", value=[["a", 0.0]]), r"model\.vocab"),
        (put("model", "vocab", "▁the", value=999), r"model\.vocab\['▁the'\]"),
        (put("model", "vocab", "zz", value=999), "no merge makes"),
        (put("model", "vocab", "a", value=98), "an id of its own"),
        (put("model", "vocab", "a", value=-1), "an id of its own"),
        (put("model", "vocab", "a", value="0"), "an id of its own"),
        (put("model", "vocab", "<think>", value=999), "an id of its own"),
        (put("model", "vocab", "a", value=277), "an id of its own"),
        (put("model", "merges", value={}), r"model\.merges"),
        (put("model", "merges", 0, value=["h", "e", "l"]), r"model\.merges\[0\]"),
        (put("model", "merges", 3, value="hello"), r"model\.merges\[3\]"),
        (put("model", "merges", 1, value=["h", "e"]), "twice"),
        (put("model", "merges", 0, value=["h", "q"]), "'hq' missing"),
        (put("added_tokens", value=None), "added_tokens"),
        (put("added_tokens", 0, "normalized", value=True), "normalized"),
        (put("added_tokens", 0, "lstrip", value=True), "lstrip"),
        (put("added_tokens", 0, "rstrip", value=True), "rstrip"),
        (put("added_tokens", 0, "single_word", value=True), "single_word"),
        (put("added_tokens", 0, "content", value=""), "not empty"),
        (put("added_tokens", 0, "content", value="<think>"), "not repeated"),
        (put("added_tokens", 0, "id", value="277"), r"added_tokens.*id"),
        (put("added_tokens", 0, "id", value=278), "one id for each"),
        (put("added_tokens", 0, value="<s>"), r"added_tokens\[\]"),
    ],
)
def test_anything_else_is_refused_by_key(
    document: Document, change: Callable[[Document], None], named: str
) -> None:
    change(document)
    with pytest.raises(TokenizerFormatError, match=named):
        to_vocabulary(document)


def test_a_missing_byte_is_refused(document: Document) -> None:
    del document["model"]["vocab"]["z"]
    with pytest.raises(TokenizerFormatError, match="without byte 0x7a"):
        to_vocabulary(document)


def test_a_left_part_of_256_bytes_is_refused(document: Document) -> None:
    model = document["model"]
    token = "z"
    for id in range(1000, 1009):
        model["merges"].append([token, token])
        token += token
        model["vocab"][token] = id
    with pytest.raises(TokenizerFormatError, match="at most 255 bytes"):
        to_vocabulary(document)
