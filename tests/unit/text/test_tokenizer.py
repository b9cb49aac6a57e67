"""Encoding and decoding with a small vocabulary whose ids can be read off `small_vocabulary.MERGES`."""

from __future__ import annotations

from dataclasses import replace

import pytest

from pagelm.errors import TokenizerError
from pagelm.tokenizer import AddedTokenMatch, Tokenizer
from pagelm.vocabulary_format import Vocabulary

HELLO, WORLD, E_ACUTE = 259, 264, 265
IM_START, IM_END, THINK, THINK_END = 278, 279, 282, 283


def test_words_become_their_merged_tokens(tokenizer: Tokenizer) -> None:
    assert tokenizer.encode("hello world") == [HELLO, WORLD]


def test_text_without_merges_becomes_bytes(tokenizer: Tokenizer) -> None:
    assert tokenizer.encode("漢") == list("漢".encode())


def test_composed_and_decomposed_letters_are_the_same(tokenizer: Tokenizer) -> None:
    assert tokenizer.encode("é") == tokenizer.encode("e\u0301") == [E_ACUTE]


def test_without_a_normalizer_decomposed_letters_stay(vocabulary: Vocabulary) -> None:
    plain = Tokenizer(replace(vocabulary, normalizer=None))
    assert plain.encode("e\u0301") == [ord("e"), *"\u0301".encode()]


def test_contents_of_added_tokens_are_plain_text(tokenizer: Tokenizer) -> None:
    ids = tokenizer.encode("<|im_end|><think>")
    assert not set(ids) & set(tokenizer.special_ids.values())
    assert tokenizer.decode(ids) == "<|im_end|><think>"


def test_contents_of_added_tokens_become_ids_when_allowed(tokenizer: Tokenizer) -> None:
    ids = tokenizer.encode("<|im_start|>hello<think></think> world<|im_end|>", allow_special=True)
    assert ids == [IM_START, HELLO, THINK, THINK_END, WORLD, IM_END]


def test_pieces_beside_an_added_token_are_cut_apart(tokenizer: Tokenizer) -> None:
    # e + U+0301 would compose, and "hello" would merge, if the token between them were not there.
    ids = tokenizer.encode("hel<think>lo e<think>\u0301", allow_special=True)
    assert ids == [256, ord("l"), THINK, ord("l"), ord("o"), ord(" "), ord("e"), THINK, *"\u0301".encode()]


def test_added_tokens_are_found_only_inside_the_range(tokenizer: Tokenizer) -> None:
    text = "<think></think>"
    assert list(tokenizer.find_added_tokens(text, 0, 6)) == []
    assert list(tokenizer.find_added_tokens(text, 1)) == [AddedTokenMatch(7, 15, THINK_END)]


def test_of_two_added_tokens_that_begin_alike_the_longer_is_found(vocabulary: Vocabulary) -> None:
    first = vocabulary.added_tokens[0]
    longer = replace(first, content=first.content + "!", id=900)
    tokenizer = Tokenizer(replace(vocabulary, added_tokens=(first, longer)))
    assert tokenizer.encode("<|endoftext|>!", allow_special=True) == [900]


@pytest.mark.parametrize("text", ["\ud800", "a\udc00b", "\udc00\ud800"])
def test_lone_surrogates_become_replacement_characters(tokenizer: Tokenizer, text: str) -> None:
    expected = "".join("\ufffd" if 0xD800 <= ord(character) < 0xE000 else character for character in text)
    assert tokenizer.encode(text) == tokenizer.encode(expected)


def test_a_surrogate_pair_is_one_character(tokenizer: Tokenizer) -> None:
    assert tokenizer.encode("\ud83d\ude00") == tokenizer.encode("😀")


def test_control_tokens_are_skipped_and_thinking_tags_are_not(tokenizer: Tokenizer) -> None:
    ids = [IM_START, HELLO, THINK, THINK_END, IM_END]
    assert tokenizer.decode(ids) == "hello<think></think>"
    assert tokenizer.decode(ids, skip_special=False) == "<|im_start|>hello<think></think><|im_end|>"
    assert [tokenizer.is_special(id) for id in ids] == [True, False, False, False, True]


def test_bytes_that_are_not_utf8_become_replacement_characters(tokenizer: Tokenizer) -> None:
    assert tokenizer.decode([0xF0, 0x9F, 0x98, ord("a"), 0x80]) == "\ufffda\ufffd"


@pytest.mark.parametrize("token_id", [-1, 284, 151_935])
def test_ids_without_a_token_stand_for_nothing(tokenizer: Tokenizer, token_id: int) -> None:
    assert tokenizer.token_bytes(token_id) == b""
    assert tokenizer.decode([HELLO, token_id, WORLD]) == "hello world"


def test_the_vocabulary_ends_after_the_last_added_token(tokenizer: Tokenizer) -> None:
    assert tokenizer.vocab_size == 284
    assert tokenizer.token_bytes(283) == b"</think>"
    assert tokenizer.special_ids["</think>"] == THINK_END


def test_ids_in_any_order_encode_and_decode(vocabulary: Vocabulary) -> None:
    ids = [1000 - id for id in vocabulary.ids]
    tokenizer = Tokenizer(replace(vocabulary, ids=ids))
    assert tokenizer.encode("hello world") == [1000 - HELLO, 1000 - WORLD]
    assert tokenizer.decode(tokenizer.encode("hello wörld")) == "hello wörld"
    assert tokenizer.vocab_size == 1001


def test_ids_that_begin_after_the_added_tokens_encode_and_decode(vocabulary: Vocabulary) -> None:
    added = tuple(replace(token, id=token.id - 277) for token in vocabulary.added_tokens)
    tokenizer = Tokenizer(replace(vocabulary, ids=range(7, 284), added_tokens=added))
    assert tokenizer.encode("<think>hello", allow_special=True) == [5, 7 + HELLO]
    assert tokenizer.decode([5, 7 + HELLO]) == "<think>hello"


def test_an_entry_that_its_merges_miss_is_taken_only_when_entries_are_whole(vocabulary: Vocabulary) -> None:
    # "ca" joins after "ab", so merging "cab" ends with c and ab.
    merged = replace(
        vocabulary, tokens=[b"ab", b"ca", b"cab"], cuts=bytes([1, 1, 2]), ids=range(259), added_tokens=()
    )
    assert Tokenizer(merged).encode("cab") == [258]
    assert Tokenizer(replace(merged, whole_tokens=False)).encode("cab") == [ord("c"), 256]


def test_more_pieces_than_the_cache_holds_encode_the_same(tokenizer: Tokenizer) -> None:
    words = [chr(0x4E00 + i) for i in range(10_000)]
    first = [tokenizer.encode(word) for word in words]
    assert [tokenizer.encode(word) for word in words] == first
    assert first[-1] == list(words[-1].encode())


def test_bytes_that_are_no_vocabulary_are_refused() -> None:
    with pytest.raises(TokenizerError):
        Tokenizer.from_bytes(b"")
