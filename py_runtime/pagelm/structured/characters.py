"""Sets of characters, and how a text spells them: as they are, or inside a JSON string.

A set is a sorted tuple of ranges of code points, surrogates left out. UTF-8 as in RFC 3629, escapes as in
RFC 8259; inside a JSON string each character has one spelling here, the one that `json.dumps` gives it, and
`free_json_character` also takes the others.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from functools import cache
from typing import TypeAlias

from pagelm.structured.expressions import Expression, OneByte, byte_range, chain, choice, literal

CharacterSet: TypeAlias = tuple[tuple[int, int], ...]
"""Ranges (first, last) of code points, sorted, apart from each other."""

LAST = 0x10FFFF
_SURROGATES = (0xD800, 0xDFFF)
_SHORT_ESCAPES = {0x08: "\\b", 0x09: "\\t", 0x0A: "\\n", 0x0C: "\\f", 0x0D: "\\r", 0x22: '\\"', 0x5C: "\\\\"}


def _without_surrogates(ranges: Iterable[tuple[int, int]]) -> Iterator[tuple[int, int]]:
    for first, last in ranges:
        if first < _SURROGATES[0]:
            yield first, min(last, _SURROGATES[0] - 1)
        if last > _SURROGATES[1]:
            yield max(first, _SURROGATES[1] + 1), last


def character_set(ranges: Iterable[tuple[int, int]]) -> CharacterSet:
    """The set of these ranges in any order."""
    merged: list[tuple[int, int]] = []
    for first, last in sorted(_without_surrogates(ranges)):
        if merged and first <= merged[-1][1] + 1:
            merged[-1] = (merged[-1][0], max(last, merged[-1][1]))
        else:
            merged.append((first, last))
    return tuple(merged)


def characters(text: str) -> CharacterSet:
    """The set of a text's characters."""
    return character_set((ord(character), ord(character)) for character in text)


def complement(members: CharacterSet) -> CharacterSet:
    """All other characters."""
    ends = [-1, *(last for _, last in members)]
    starts = [*(first for first, _ in members), LAST + 1]
    gaps = zip(ends, starts, strict=True)
    return character_set((end + 1, start - 1) for end, start in gaps if start - end > 1)


ANY: CharacterSet = complement(())
_PLAIN_IN_JSON = complement(character_set([(0, 0x1F), (0x22, 0x22), (0x5C, 0x5C)]))
_HEX = OneByte(byte_range(0x30, 0x39) | byte_range(0x41, 0x46) | byte_range(0x61, 0x66))

Spelling: TypeAlias = Callable[[CharacterSet], Expression]
"""How a text says one character of a set."""


@cache
def spell_plainly(members: CharacterSet) -> Expression:
    """One character of a set, in UTF-8."""
    single = 0
    options: list[Expression] = []
    for first, last in members:
        for low, high in _split_by_length(first, last):
            if high < 0x80:
                single |= byte_range(low, high)
            else:
                options += _utf8(_encode(low), _encode(high))
    return choice([OneByte(single), *options] if single or not options else options)


@cache
def spell_in_json(members: CharacterSet) -> Expression:
    """One character of a set, as a JSON string spells it."""
    plain = intersection(members, _PLAIN_IN_JSON)
    options = [spell_plainly(plain)] if plain else []
    for first, last in intersection(members, complement(_PLAIN_IN_JSON)):
        options += [literal(_SHORT_ESCAPES.get(code, f"\\u{code:04x}")) for code in range(first, last + 1)]
    return choice(options)


@cache
def free_json_character() -> Expression:
    """Any character in any of JSON's spellings; surrogates in pairs alone."""
    low_digits, high_digits = (
        OneByte(sum(1 << ord(digit) for digit in digits)) for digits in ("cdefCDEF", "89abAB")
    )
    letter_d = OneByte(1 << 0x64 | 1 << 0x44)
    below_8 = OneByte(byte_range(0x30, 0x37))
    not_d = OneByte(_HEX.members & ~letter_d.members)
    four_digits = choice([chain(not_d, _HEX, _HEX, _HEX), chain(letter_d, below_8, _HEX, _HEX)])
    pair = chain(letter_d, high_digits, _HEX, _HEX, "\\u", letter_d, low_digits, _HEX, _HEX)
    short = OneByte(sum(1 << ord(letter) for letter in '"\\/bfnrt'))
    escape = chain("\\", choice([short, chain("u", choice([four_digits, pair]))]))
    return choice([spell_plainly(_PLAIN_IN_JSON), escape])


def intersection(left: CharacterSet, right: CharacterSet) -> CharacterSet:
    """What is in both."""
    return complement(character_set((*complement(left), *complement(right))))


def _split_by_length(first: int, last: int) -> Iterator[tuple[int, int]]:
    """Parts whose characters have equally many bytes."""
    for limit in (0x7F, 0x7FF, 0xFFFF, LAST):
        if first <= limit and first <= last:
            yield first, min(last, limit)
            first = limit + 1


def _encode(code: int) -> bytes:
    return chr(code).encode()


def _utf8(low: bytes, high: bytes) -> list[Expression]:
    """Encodings from `low` to `high`, equally long."""
    if len(low) == 1:
        return [OneByte(byte_range(low[0], high[0]))]
    if low[0] == high[0]:
        lead = OneByte(1 << low[0])
        return [chain(lead, choice(_utf8(low[1:], high[1:])))]
    least, greatest = b"\x80" * (len(low) - 1), b"\xbf" * (len(low) - 1)
    first, last = low[0], high[0]
    options: list[Expression] = []
    if low[1:] != least:
        options.append(chain(OneByte(1 << first), choice(_utf8(low[1:], greatest))))
        first += 1
    if high[1:] != greatest:
        options.append(chain(OneByte(1 << last), choice(_utf8(least, high[1:]))))
        last -= 1
    if first <= last:
        options.append(chain(OneByte(byte_range(first, last)), choice(_utf8(least, greatest))))
    return options
