"""pagelm.tool_schema where it goes its own way; tests/parity holds it against transformers."""

from __future__ import annotations

from typing import Any, Literal

import pytest

from pagelm.errors import ToolError
from pagelm.tool_schema import describe_function


def parameters(function: Any) -> Any:
    return describe_function(function)["function"]["parameters"]  # type: ignore[index]


def test_descriptions_may_be_missing() -> None:
    def add(a: int, b: int = 0) -> int:
        return a + b

    assert describe_function(add) == {
        "type": "function",
        "function": {
            "name": "add",
            "description": "",
            "parameters": {
                "type": "object",
                "properties": {"a": {"type": "integer"}, "b": {"type": "integer"}},
                "required": ["a"],
            },
        },
    }


def test_a_parameter_of_which_the_docstring_says_nothing_has_no_description() -> None:
    def f(a: int, b: int) -> None:
        """F.

        Args:
            a: The first.
        """

    assert parameters(f)["properties"] == {
        "a": {"type": "integer", "description": "The first."},
        "b": {"type": "integer"},
    }


def test_a_method_has_no_self() -> None:
    class Clock:
        def at(self, hour: int) -> None: ...

    assert list(parameters(Clock().at)["properties"]) == ["hour"]


def without_hint(a): ...  # type: ignore[no-untyped-def]
def any_number(*values: int) -> None: ...
def bytes_like(a: bytes) -> None: ...
def mixed(a: Literal["x", 1]) -> None: ...
def int_keys(a: dict[int, str]) -> None: ...
def unknown(a: "Nowhere") -> None: ...  # type: ignore[name-defined]  # noqa: F821, UP037


@pytest.mark.parametrize(
    ("function", "problem"),
    [
        (without_hint, "function without_hint cannot be a tool: parameter a has no type hint"),
        (any_number, "parameter values cannot be given by name"),
        (bytes_like, "parameter a is of type <class 'bytes'>"),
        (mixed, "parameter a is of type Literal"),
        (int_keys, "JSON's keys are strings"),
        (unknown, "its type hints cannot be read"),
    ],
)
def test_what_has_no_schema_is_refused_by_name(function: Any, problem: str) -> None:
    with pytest.raises(ToolError, match=problem):
        describe_function(function)
