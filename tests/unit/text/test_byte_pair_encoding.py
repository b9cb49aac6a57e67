"""Merging by rank, against its definition: the lowest rank joins first, of equals the leftmost."""

from __future__ import annotations

from itertools import pairwise
from random import Random

import pytest

from pagelm.byte_pair_encoding import BytePairEncoding


def make_merges(random: Random, count: int) -> list[tuple[bytes, bytes]]:
    """Random merges over three letters, each of tokens that exist; different merges may share a product."""
    tokens = [b"a", b"b", b"c"]
    merges: dict[tuple[bytes, bytes], None] = {}
    while len(merges) < count:
        pair = (random.choice(tokens), random.choice(tokens))
        if len(pair[0] + pair[1]) <= 12:
            merges[pair] = None
            tokens.append(pair[0] + pair[1])
    return list(merges)


def merge_by_definition(piece: bytes, merges: list[tuple[bytes, bytes]]) -> list[bytes]:
    parts = [bytes([value]) for value in piece]
    while True:
        pairs = [pair for pair in pairwise(parts) if pair in merges]
        if not pairs:
            return parts
        best = min(pairs, key=merges.index)
        at = next(i for i in range(len(parts)) if (parts[i], *parts[i + 1 : i + 2]) == best)
        parts[at : at + 2] = [parts[at] + parts[at + 1]]


def make_encoding(merges: list[tuple[bytes, bytes]]) -> tuple[BytePairEncoding, list[bytes]]:
    entries = [bytes([value]) for value in range(256)] + [left + right for left, right in merges]
    return BytePairEncoding(entries, bytes(256) + bytes(len(left) for left, _ in merges)), entries


@pytest.mark.parametrize("length", [1, 2, 7, 47, 48, 49, 150])
def test_merging_follows_the_definition(length: int) -> None:
    random = Random(length)
    for _ in range(40):
        merges = make_merges(random, random.randint(1, 25))
        encoding, entries = make_encoding(merges)
        piece = bytes(random.choices(b"abcx", weights=[5, 4, 3, 1], k=length))
        assert [entries[index] for index in encoding.merge(piece)] == merge_by_definition(piece, merges)


def test_repeated_products_share_the_first_index() -> None:
    merges = [(b"a", b"b"), (b"b", b"c"), (b"a", b"bc"), (b"ab", b"c")]
    encoding, _ = make_encoding(merges)
    assert encoding.merge(b"abc") == [258]  # ab joins first, then ab + c by the fourth merge
    assert encoding.merge(b"bc") == [257]


def test_a_pair_whose_product_was_cut_elsewhere_does_not_merge() -> None:
    encoding, _ = make_encoding([(b"b", b"c"), (b"a", b"bc"), (b"a", b"b")])
    assert encoding.merge(b"abc") == [257]
    encoding, _ = make_encoding([(b"a", b"b"), (b"b", b"c"), (b"a", b"bc")])
    assert encoding.merge(b"abc") == [256, ord("c")]


def test_bytes_without_an_entry_are_dropped() -> None:
    encoding = BytePairEncoding([b"a", b"b", b"ab"], bytes([0, 0, 1]))
    assert encoding.merge(b"xabx") == [2]
    assert encoding.merge(b"axb") == [2]
    assert encoding.merge(b"x") == []


def test_a_long_run_is_merged_like_a_short_one() -> None:
    encoding, entries = make_encoding([(b"a", b"a"), (b"aa", b"aa"), (b"aaaa", b"aaaa")])
    assert [entries[index] for index in encoding.merge(b"a" * 20_003)] == [b"a" * 8] * 2500 + [b"aa", b"a"]
