"""What one rendering of a chat template may take: steps, characters, nesting, seconds.

It refuses to know jinja's syntax. Whoever makes a string or a list for the template asks first or tells at
once. Since nothing large or deep ever exists, no single operation takes long; their number is bounded by
steps and, for what no count foresees, by a deadline.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator, Sized
from typing import Final, TypeVar

from jinja2 import TemplateRuntimeError

MAX_STEPS: Final = 500_000
MAX_CHARACTERS: Final = 8_000_000
"""Of one string, of one list with all that it holds, of the whole prompt."""
MAX_CHARACTERS_MADE: Final = 64_000_000
"""Of all that one rendering makes; it may keep all of it."""
MAX_SECONDS: Final = 5.0
"""A thousand times what a template takes for a full context."""
MAX_DEPTH: Final = 80
"""Of lists in lists: more than JSON may have here, and far less than ends Pyodide's stack."""
MAX_LAZY_DEPTH: Final = 20
MAX_ELEMENTS: Final = 100_000
_ELEMENT_CHARACTERS: Final = 64
_REFERENCE_CHARACTERS: Final = 16
_Value = TypeVar("_Value")


class TemplateBoundError(TemplateRuntimeError):
    """A template works without bound, or tries to."""


class Items(Iterator[_Value]):
    """Elements that are computed as they are taken, each a step.

    Args:
        source: What `items` are computed from: iterators in each other nest Python's stack.
    """

    def __init__(self, items: Iterable[_Value], budget: TemplateBudget, source: object = None) -> None:
        inner: int = max((each.depth for each in (items, source) if isinstance(each, Items)), default=0)
        if inner == MAX_LAZY_DEPTH:
            raise TemplateBoundError(f"it nests iterators more than {MAX_LAZY_DEPTH} deep")
        self.depth: int = inner + 1
        self._items = iter(items)
        self._budget = budget

    def __next__(self) -> _Value:
        self._budget.take_steps(1)
        return next(self._items)


class TemplateBudget:
    """What is left of one rendering's bounds."""

    def __init__(self) -> None:
        self.reset()

    def reset(self) -> None:
        """Begin another rendering."""
        self._steps_left = MAX_STEPS
        self._characters_left = MAX_CHARACTERS_MADE
        self._ends_at = time.monotonic() + MAX_SECONDS

    def take_steps(self, count: int) -> None:
        """Raises TemplateBoundError, as all of this class, when nothing is left."""
        self._steps_left -= count
        if self._steps_left < 0:
            raise TemplateBoundError(f"it takes more than {MAX_STEPS} steps")
        if time.monotonic() > self._ends_at:
            raise TemplateBoundError(f"it takes more than {MAX_SECONDS:g} seconds")

    def take_made(self, value: _Value) -> _Value:
        """`value`, a new one: small enough as a whole, and taken from what may be made in all."""
        if isinstance(value, str):
            self._take_characters(check_characters(len(value)))
        elif isinstance(value, list | tuple | dict):
            weigh(value)
            self._take_characters(len(value) * _REFERENCE_CHARACTERS)
        return value

    def take_slice(self, value: _Value) -> _Value:
        """`value`, a part of another one."""
        if isinstance(value, str):
            self._take_characters(len(value))
        elif isinstance(value, list | tuple):
            self._take_characters(len(value) * _REFERENCE_CHARACTERS)
        return value

    def take_list(self, items: Iterable[_Value]) -> list[_Value]:
        """All of `items`."""
        if isinstance(items, Sized):
            check_elements(len(items))
        return self.take_made(list(items if isinstance(items, Sized) else Items(items, self)))

    def _take_characters(self, count: int) -> None:
        self.take_steps(1)
        self._characters_left -= count
        if self._characters_left < 0:
            raise TemplateBoundError(f"it makes more than {MAX_CHARACTERS_MADE} characters")


def check_characters(count: int) -> int:
    """`count`, which are few enough for one string."""
    if count > MAX_CHARACTERS:
        raise TemplateBoundError(f"it joins or copies more than {MAX_CHARACTERS} characters")
    return count


def check_elements(count: int) -> None:
    if count > MAX_ELEMENTS:
        raise TemplateBoundError(f"it makes lists of more than {MAX_ELEMENTS} elements")


def weigh(value: object) -> int:
    """Characters of a value with all that it holds; what is held twice counts twice, as printing would.

    Raises:
        TemplateBoundError: It is too large or too deep.
    """
    total = 0
    pending: list[tuple[object, int]] = [(value, 0)]
    while pending:
        item, depth = pending.pop()
        if isinstance(item, str):
            total += len(item)
        elif isinstance(item, list | tuple | dict):
            if depth == MAX_DEPTH:
                raise TemplateBoundError(f"it nests lists more than {MAX_DEPTH} deep")
            held = [*item.keys(), *item.values()] if isinstance(item, dict) else item
            total += len(held) * _ELEMENT_CHARACTERS
            if total <= MAX_CHARACTERS:
                pending.extend((child, depth + 1) for child in held)
        check_characters(total)
    return total
