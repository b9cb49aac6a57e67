"""Which tokens of a vocabulary a state lets through: as looking at every token would find."""

from __future__ import annotations

import pytest

from pagelm.structured.json_schema import compile_schema
from pagelm.structured.regular_expression import parse_pattern
from pagelm.structured.vocabulary_index import VocabularyIndex
from pagelm.tokenizer import Tokenizer
from unit.structured.texts import automaton_of
from unit.text.small_vocabulary import make_vocabulary

TOKENIZER = Tokenizer(make_vocabulary())
LATER = Tokenizer(make_vocabulary(first_id=7))


@pytest.mark.parametrize("tokenizer", [TOKENIZER, LATER])
@pytest.mark.parametrize(
    ("pattern", "read"),
    [
        ("hello( world)*", ""),
        ("hello( world)*", "hel"),
        (".*", ""),
        (".*", "é"),
        ("[^h]+", ""),
        ("[d-f]+", ""),
        ("\xff", ""),
    ],
)
def test_they_are_those_whose_bytes_fit(tokenizer: Tokenizer, pattern: str, read: str) -> None:
    automaton = automaton_of(parse_pattern(pattern, name="the pattern"))
    state = automaton.read(automaton.start(), read.encode())
    assert state is not None
    index = VocabularyIndex(tokenizer)
    ordinary = set(range(tokenizer.vocab_size)) - set(tokenizer.special_ids.values())
    expected = {
        token_id
        for token_id in ordinary
        if tokenizer.token_bytes(token_id) and automaton.read(state, tokenizer.token_bytes(token_id))
    }
    found = list(index.allowed(automaton, state))
    assert set(found) == expected
    assert len(found) == len(expected) > 0


def test_added_tokens_are_none_of_them() -> None:
    index = VocabularyIndex(TOKENIZER)
    automaton = automaton_of(parse_pattern("(?:<think>|<)+", name="the pattern"))
    assert index.bytes_of(TOKENIZER.special_ids["<think>"]) == b""
    assert {TOKENIZER.token_bytes(token_id) for token_id in index.allowed(automaton, automaton.start())} == {
        b"<"
    }


def test_a_token_may_end_in_the_middle_of_a_character() -> None:
    automaton = automaton_of(compile_schema({"const": "é"}))
    state = automaton.read(automaton.start(), b'"')
    assert state is not None
    found = {
        TOKENIZER.token_bytes(token_id) for token_id in VocabularyIndex(TOKENIZER).allowed(automaton, state)
    }
    assert found == {b"\xc3", "é".encode()}
