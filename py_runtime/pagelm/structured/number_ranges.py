"""Numbers within bounds, digit by digit: the bounds of JSON Schema to expressions.

Without exponents, with as many digits as `json_values` allows, and exact whatever floats would make of it.
"-0" is written where it is inside the bounds as a negative number.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from pagelm.errors import GrammarError
from pagelm.structured.expressions import (
    EMPTY,
    NOTHING,
    Expression,
    OneByte,
    Repeat,
    byte_range,
    chain,
    choice,
    literal,
    optional,
)
from pagelm.structured.intersection import intersect
from pagelm.structured.json_values import DIGIT, FRACTION, FRACTION_DIGITS, INTEGER_DIGITS, NON_ZERO, WHOLE

_ZEROS = Repeat(literal("0"), 0, FRACTION_DIGITS)


@dataclass(frozen=True, slots=True)
class Bound:
    """A least or greatest number; `exclusive`: it is itself not allowed."""

    value: Decimal
    exclusive: bool = False


def numbers_between(
    least: Bound | None, greatest: Bound | None, *, integers: bool, name: str
) -> Expression | None:
    """Numbers within bounds; None when there are none.

    Raises:
        GrammarError: A bound has more digits than numbers may have.
    """
    for bound in (least, greatest):
        _check_digits(bound, name)
    anything = WHOLE if integers else chain(WHOLE, optional(FRACTION))
    low: Expression = chain(optional(literal("-")), anything)
    high: Expression = low
    if least:
        size = Bound(abs(least.value), least.exclusive)
        below_zero = least.value < 0
        low = (
            choice([anything, chain("-", _at_most(size, integers))])
            if below_zero
            else _at_least(size, integers)
        )
    if greatest:
        size = Bound(abs(greatest.value), greatest.exclusive)
        above = greatest.value > 0 or (greatest.value == 0 and not greatest.exclusive)
        outward = chain("-", _at_least(size, integers))
        high = choice([chain("-", anything), _at_most(size, integers)]) if above else outward
    return intersect(low, high, name=name)


def _at_least(bound: Bound, integers: bool) -> Expression:
    """Numbers without a sign, at or above the bound."""
    whole, fraction = _digits(bound.value)
    above = _whole_at_least(int(whole) + 1)
    equal: Expression
    if integers:
        equal = EMPTY if not fraction and not bound.exclusive else NOTHING
    else:
        above = chain(above, optional(FRACTION))
        equal = _fraction_at_least(fraction, bound.exclusive)
    return choice([chain(whole, equal), above])


def _at_most(bound: Bound, integers: bool) -> Expression:
    """Numbers without a sign, at or below the bound."""
    whole, fraction = _digits(bound.value)
    below = _whole_at_most(int(whole) - 1)
    equal: Expression
    if integers:
        equal = EMPTY if fraction or not bound.exclusive else NOTHING
    else:
        below = chain(below, optional(FRACTION))
        equal = _fraction_at_most(fraction, bound.exclusive)
    return choice([chain(whole, equal), below])


def _whole_at_least(least: int) -> Expression:
    digits = str(least)
    longer = chain(NON_ZERO, Repeat(DIGIT, len(digits), INTEGER_DIGITS - 1))
    return choice([_same_length_at_least(digits), longer] if len(digits) < INTEGER_DIGITS else [NOTHING])


def _same_length_at_least(digits: str) -> Expression:
    if not digits:
        return EMPTY
    greater = chain(_digit_between(int(digits[0]) + 1, 9), Repeat(DIGIT, len(digits) - 1, len(digits) - 1))
    return choice([chain(digits[0], _same_length_at_least(digits[1:])), greater])


def _whole_at_most(greatest: int) -> Expression:
    if greatest < 0:
        return NOTHING
    digits = str(greatest)
    if len(digits) == 1:
        return _digit_between(0, greatest)
    shorter = choice([literal("0"), chain(NON_ZERO, Repeat(DIGIT, 0, len(digits) - 2))])
    return choice([shorter, _same_length_at_most(digits, least=1)])


def _same_length_at_most(digits: str, *, least: int) -> Expression:
    if not digits:
        return EMPTY
    rest = len(digits) - 1
    less = chain(_digit_between(least, int(digits[0]) - 1), Repeat(DIGIT, rest, rest))
    return choice([chain(digits[0], _same_length_at_most(digits[1:], least=0)), less])


def _fraction_at_least(digits: str, exclusive: bool) -> Expression:
    """Nothing, or a point and digits, that as a fraction is not less than 0.digits."""
    if not digits:
        return chain(".", _ZEROS, NON_ZERO, _rest(digits)) if exclusive else optional(FRACTION)

    def tail(at: int) -> Expression:
        if at == len(digits):
            more = chain(_ZEROS, NON_ZERO, _rest(digits))
            return more if exclusive else Repeat(DIGIT, 0, FRACTION_DIGITS - at)
        greater = chain(_digit_between(int(digits[at]) + 1, 9), Repeat(DIGIT, 0, FRACTION_DIGITS - at - 1))
        return choice([chain(digits[at], tail(at + 1)), greater])

    return chain(".", tail(0))


def _fraction_at_most(digits: str, exclusive: bool) -> Expression:
    """Nothing, or a point and digits, that as a fraction is not more than 0.digits."""
    if not digits:
        return NOTHING if exclusive else optional(chain(".", Repeat(literal("0"), 1, FRACTION_DIGITS)))

    def tail(at: int) -> Expression:
        if at == len(digits):
            return NOTHING if exclusive else Repeat(literal("0"), 0, FRACTION_DIGITS - at)
        less = chain(_digit_between(0, int(digits[at]) - 1), Repeat(DIGIT, 0, FRACTION_DIGITS - at - 1))
        equal = chain(digits[at], tail(at + 1))
        return choice([equal, less] if at == 0 else [EMPTY, equal, less])  # digits behind the point, if any

    return optional(chain(".", tail(0)))


def _rest(digits: str) -> Expression:
    """Digits behind others that may be as many as 24 already."""
    return Repeat(DIGIT, 0, FRACTION_DIGITS - len(digits))


def _digit_between(least: int, greatest: int) -> Expression:
    return OneByte(byte_range(0x30 + least, 0x30 + greatest)) if least <= greatest else NOTHING


def _digits(value: Decimal) -> tuple[str, str]:
    """Digits before the point, and behind it without zeros at the end."""
    whole, _, fraction = f"{value:f}".partition(".")
    return str(int(whole)), fraction.rstrip("0")


def _check_digits(bound: Bound | None, name: str) -> None:
    if bound is None:
        return
    whole, fraction = _digits(abs(bound.value))
    if len(whole) >= INTEGER_DIGITS or len(fraction) > FRACTION_DIGITS:
        raise GrammarError(
            f"{name} have a bound of {len(whole)} digits before and {len(fraction)} behind the point",
            expected=f"fewer than {INTEGER_DIGITS}, and at most {FRACTION_DIGITS}",
            remedy="Round the bound, or leave it out.",
        )
