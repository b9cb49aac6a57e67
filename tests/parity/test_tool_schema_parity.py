"""pagelm.tool_schema against transformers' get_json_schema."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Literal

import pytest
from transformers.utils import get_json_schema

from pagelm.tool_schema import describe_function


def simple(a: int, b: float, c: str, d: bool) -> int:
    """Do a thing.

    Args:
        a: The first.
        b: The second,
            which goes on
            for long.
        c: The third: with a colon.
        d: The fourth.

    Returns:
        The result.
    """
    return 0


def nested(a: list[int], b: dict[str, float], c: tuple[int, str], d: list[list[str]]) -> None:
    """Do another thing.

    In more
    than one line.

    Args:
        a: A
        b: B
        c: C
        d: D
    """


def choices(
    a: Literal["x", "y"], b: int | None, c: int | str, d: list[int] | None = None, e: int = 3
) -> None:
    """Choose.

    Args:
        a: A
        b: B
        c: C
        d: D
        e: E
    """


def unions(a: list[int] | str, b: Any, c: list, d: dict) -> None:  # type: ignore[type-arg]
    """Unite.

    Args:
        a: A
        b: B
        c: C
        d: D
    """


def nothing() -> str:
    """Take nothing."""
    return ""


@pytest.mark.parametrize("function", [simple, nested, choices, unions, nothing])
def test_the_schema_is_that_of_transformers(function: Callable[..., object]) -> None:
    theirs = get_json_schema(function)
    theirs["function"].pop("return", None)
    assert describe_function(function) == theirs
