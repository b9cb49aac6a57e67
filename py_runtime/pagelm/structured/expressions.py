"""What a text may be, as a tree over single bytes; rules make it recursive.

These are the right sides of a context-free grammar whose terminals are sets of bytes. `automaton` reads them,
and everything else in this folder makes them. An expression is compared by identity and never changed.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeAlias

ByteSet: TypeAlias = int
"""Bit b is set where byte b is a member."""


@dataclass(frozen=True, slots=True, eq=False)
class OneByte:
    """Any one byte of a set."""

    members: ByteSet


@dataclass(frozen=True, slots=True, eq=False)
class Chain:
    """One after the other; of nothing, the empty text."""

    parts: tuple[Expression, ...]


@dataclass(frozen=True, slots=True, eq=False)
class Choice:
    """Any of these; of nothing, no text at all."""

    options: tuple[Expression, ...]


@dataclass(frozen=True, slots=True, eq=False)
class Repeat:
    """The same several times; `maximum` None is without end."""

    body: Expression
    minimum: int
    maximum: int | None


@dataclass(slots=True, eq=False)
class Rule:
    """An expression by name, so that it can hold itself; whoever makes the rule fills `body` in."""

    name: str
    body: Expression | None = None


@dataclass(frozen=True, slots=True, eq=False)
class Table:
    """A finite automaton: per state its edges (members, next state) and whether a text may end there."""

    edges: tuple[tuple[tuple[ByteSet, int], ...], ...]
    accepting: tuple[bool, ...]


Expression: TypeAlias = OneByte | Chain | Choice | Repeat | Rule | Table

EMPTY = Chain(())
NOTHING = Choice(())


def byte_range(first: int, last: int) -> ByteSet:
    """The set of bytes from `first` to `last`, both included."""
    return (1 << last + 1) - (1 << first)


def literal(text: str | bytes) -> Expression:
    """Exactly this text, in UTF-8."""
    data = text.encode() if isinstance(text, str) else text
    return Chain(tuple(OneByte(1 << byte) for byte in data))


def chain(*parts: Expression | str) -> Chain:
    """One after the other; a string stands for itself."""
    return Chain(tuple(literal(part) if isinstance(part, str) else part for part in parts))


def choice(options: Sequence[Expression]) -> Expression:
    """Any of these."""
    return options[0] if len(options) == 1 else Choice(tuple(options))


def optional(body: Expression) -> Expression:
    return Repeat(body, 0, 1)


def is_nullable(expression: Expression) -> bool:
    """Whether the empty text fits; False where a rule would have to say it."""
    match expression:
        case Chain(parts):
            return all(map(is_nullable, parts))
        case Choice(options):
            return any(map(is_nullable, options))
        case Repeat(body, minimum):
            return minimum == 0 or is_nullable(body)
        case Table(_, accepting):
            return accepting[0]
        case _:
            return False
