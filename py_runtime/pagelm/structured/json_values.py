"""JSON as pagelm lets a model write it (RFC 8259): values, strings, numbers and the white space between them.

White space is one space or none after each `:` and `,`, and none elsewhere, so that it cannot go on for ever.
Numbers are those that every reader takes as finite: up to 32 digits before and 24 behind the point, or one
digit, a fraction and an exponent up to 307.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable
from functools import cache

from pagelm.structured.characters import ANY, characters, complement, free_json_character, spell_in_json
from pagelm.structured.expressions import (
    EMPTY,
    Expression,
    OneByte,
    Repeat,
    Rule,
    byte_range,
    chain,
    choice,
    literal,
    optional,
)

INTEGER_DIGITS = 32
FRACTION_DIGITS = 24

DIGIT = OneByte(byte_range(0x30, 0x39))
NON_ZERO = OneByte(byte_range(0x31, 0x39))
COMMA = chain(",", optional(literal(" ")))
COLON = chain(":", optional(literal(" ")))
WHOLE = choice([literal("0"), chain(NON_ZERO, Repeat(DIGIT, 0, INTEGER_DIGITS - 1))])
FRACTION = chain(".", Repeat(DIGIT, 1, FRACTION_DIGITS))
INTEGER = chain(optional(literal("-")), WHOLE)


@cache
def number() -> Expression:
    """Any number."""
    two_digits = Repeat(DIGIT, 1, 2)
    three_digits = choice(
        [chain(OneByte(byte_range(0x31, 0x32)), DIGIT, DIGIT), chain("30", OneByte(byte_range(0x30, 0x37)))]
    )
    sign = optional(choice([literal("+"), literal("-")]))
    exponent = chain(choice([literal("e"), literal("E")]), sign, choice([two_digits, three_digits]))
    plain = chain(WHOLE, optional(FRACTION))
    scientific = chain(DIGIT, optional(FRACTION), exponent)
    return chain(optional(literal("-")), choice([plain, scientific]))


@cache
def string(minimum: int = 0, maximum: int | None = None) -> Expression:
    """Any string of so many characters."""
    return quoted(Repeat(free_json_character(), minimum, maximum))


def quoted(content: Expression) -> Expression:
    """A string whose content, escapes included, is this."""
    return chain('"', content, '"')


@cache
def any_value() -> Rule:
    """Any value, nested as deep as it likes."""
    value = Rule("any value")
    any_string = Rule("any string", string())
    member = chain(any_string, COLON, value)
    words = [literal(word) for word in ("true", "false", "null")]
    value.body = choice(
        [
            chain("{", separated(member), "}"),
            chain("[", separated(value), "]"),
            any_string,
            number(),
            *words,
        ]
    )
    return value


def separated(item: Expression) -> Expression:
    """Any number of the same, commas between them."""
    return optional(chain(item, Repeat(chain(COMMA, item), 0, None)))


def value_literal(value: object) -> Expression:
    """Exactly this value, as `json.dumps` spells it."""
    if isinstance(value, dict):
        members = (chain(value_literal(key), COLON, value_literal(held)) for key, held in value.items())
        return chain("{", _joined(members), "}")
    if isinstance(value, list):
        return chain("[", _joined(map(value_literal, value)), "]")
    return literal(json.dumps(value, ensure_ascii=False, allow_nan=False))


def _joined(parts: Iterable[Expression]) -> Expression:
    joined: list[Expression] = []
    for part in parts:
        joined += [COMMA, part] if joined else [part]
    return chain(*joined)


def key_other_than(names: Collection[str]) -> Expression:
    """A string that is none of these, each character in its one spelling."""
    return quoted(_other_than(frozenset(names)))


def _other_than(names: frozenset[str]) -> Expression:
    anything = Repeat(spell_in_json(ANY), 0, None)
    if not names:
        return anything
    heads = sorted({name[0] for name in names if name})
    options: list[Expression] = [] if "" in names else [EMPTY]
    options.append(chain(spell_in_json(complement(characters("".join(heads)))), anything))
    for head in heads:
        tails = frozenset(name[1:] for name in names if name.startswith(head))
        # by a rule, so that long names do not nest deep
        options.append(chain(spell_in_json(characters(head)), Rule(f"not {head}…", _other_than(tails))))
    return choice(options)
