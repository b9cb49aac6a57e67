"""Typed reading of JSON that others wrote.

Every refusal names the key by its whole path ("weights.parts[3].bytes") and says what would have been right.
Which error class that becomes is the caller's choice. Follows no schema language: the reading code is the
schema.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from math import isfinite
from typing import cast

from pagelm.errors import PagelmError

Refuse = Callable[[str, str], PagelmError]
"""Makes the error: (what was wrong, what was expected)."""


class Fields:
    """One JSON object, read key by key.

    Args:
        value: What `json.loads` gave.
        path: Where it stands, for messages; "" at the top.
        refuse: Makes the error to raise.
    """

    def __init__(self, value: object, path: str, refuse: Refuse) -> None:
        self.path = path
        self._refuse = refuse
        if not isinstance(value, dict):
            raise refuse(f"{path or 'the document'} is {_kind(value)}", "an object")
        self._value = cast("dict[str, object]", value)

    def __contains__(self, key: str) -> bool:
        return key in self._value

    def __iter__(self) -> Iterator[str]:
        return iter(self._value)

    def at(self, key: str) -> str:
        """The whole path of a key."""
        return f"{self.path}.{key}" if self.path else key

    def refused(self, key: str, problem: str, expected: str) -> PagelmError:
        """The error for a key whose value is of the right type but cannot be right."""
        return self._refuse(f"{self.at(key)} {problem}", expected)

    def value(self, key: str) -> object:
        """Whatever is there, unchecked."""
        return self._get(key, "anything")

    def text(self, key: str, *, one_of: tuple[str, ...] = ()) -> str:
        value = self._get(key, "a string")
        if not isinstance(value, str):
            raise self.refused(key, f"is {_kind(value)}", "a string")
        if one_of and value not in one_of:
            raise self.refused(key, f"is {value!r}", " or ".join(map(repr, one_of)))
        return value

    def flag(self, key: str) -> bool:
        value = self._get(key, "true or false")
        if not isinstance(value, bool):
            raise self.refused(key, f"is {_kind(value)}", "true or false")
        return value

    def integer(self, key: str, *, minimum: int = 0) -> int:
        expected = f"an integer of at least {minimum}"
        value = self._get(key, expected)
        if isinstance(value, bool) or not isinstance(value, int) or value < minimum:
            raise self.refused(key, f"is {_shown(value)}", expected)
        return value

    def integers(self, key: str) -> tuple[int, ...]:
        values = self._array(key, "an array of integers")
        if not all(isinstance(value, int) and not isinstance(value, bool) and value >= 0 for value in values):
            raise self.refused(key, f"is {values!r:.80}", "an array of integers of at least 0")
        return tuple(cast("list[int]", values))

    def number(self, key: str) -> float:
        return self._number(key, self._get(key, "a number"))

    def numbers(self, key: str) -> tuple[float, ...]:
        values = self._array(key, "an array of numbers")
        return tuple(self._number(f"{key}[{index}]", value) for index, value in enumerate(values))

    def _number(self, key: str, value: object) -> float:
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise self.refused(key, f"is {_kind(value)}", "a number")
        if isinstance(value, float) and not isfinite(
            value
        ):  # Python reads NaN and Infinity, which are no JSON
            raise self.refused(key, f"is {value}", "a finite number")
        return value

    def texts(self, key: str) -> tuple[str, ...]:
        values = self._array(key, "an array of strings")
        if not all(isinstance(value, str) for value in values):
            raise self.refused(key, f"is {values!r:.80}", "an array of strings")
        return tuple(cast("list[str]", values))

    def fields(self, key: str) -> Fields:
        return Fields(self._get(key, "an object"), self.at(key), self._refuse)

    def array_of_fields(self, key: str) -> list[Fields]:
        values = self._array(key, "an array of objects")
        return [Fields(value, f"{self.at(key)}[{index}]", self._refuse) for index, value in enumerate(values)]

    def _array(self, key: str, expected: str) -> list[object]:
        value = self._get(key, expected)
        if not isinstance(value, list):
            raise self.refused(key, f"is {_kind(value)}", expected)
        return cast("list[object]", value)

    def _get(self, key: str, expected: str) -> object:
        if key not in self._value:
            raise self._refuse(f"{self.at(key)} is missing", expected)
        return self._value[key]


def _kind(value: object) -> str:
    match value:
        case None:
            return "null"
        case bool():
            return "a boolean"
        case str():
            return "a string"
        case int() | float():
            return "a number"
        case list():
            return "an array"
        case dict():
            return "an object"
        case _:
            return type(value).__name__


def _shown(value: object) -> str:
    return repr(value) if isinstance(value, int | float) and not isinstance(value, bool) else _kind(value)
