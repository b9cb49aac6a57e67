"""pagelm.tools: a call is run, and whatever goes wrong with it is told to the model."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any, Literal

import pytest

from fakes import run
from pagelm.errors import ToolError
from pagelm.tool_calls import BrokenToolCall, ToolCall
from pagelm.tools import Tool, Toolbox


def add(a: int, b: int = 1) -> int:
    return a + b


def shout(text: str, how: Literal["loud", "louder"] = "loud", to: list[str] | None = None) -> str:
    return text.upper()


def fails() -> None:
    raise ValueError("no")


def secret() -> object:
    return object()


async def later(seconds: float) -> dict[str, float]:
    return {"seconds": seconds}


def result(name: str, **arguments: object) -> str:
    return run(Toolbox([add, shout, fails, secret, later]).run(ToolCall(name, arguments)))


def error(name: str, **arguments: object) -> str:
    return str(json.loads(result(name, **arguments))["error"])


def test_text_is_the_result_as_it_is_and_all_else_is_json() -> None:
    assert result("shout", text="é") == "É"
    assert result("add", a=2) == "3"


def test_a_coroutine_is_awaited() -> None:
    assert result("later", seconds=1.5) == '{"seconds": 1.5}'


def test_an_unknown_name_is_told_with_the_known_ones() -> None:
    assert (
        error("subtract") == "There is no tool named subtract. There are: add, shout, fails, secret, later."
    )


@pytest.mark.parametrize(
    ("name", "arguments", "problem"),
    [
        ("add", {}, "add needs a."),
        ("add", {"a": 1, "c": 2}, "add has no parameter c. It has: a, b."),
        ("add", {"a": "2"}, 'a of add is "2"; expected "integer".'),
        ("add", {"a": True}, 'a of add is true; expected "integer".'),
        ("add", {"a": 1.5}, 'a of add is 1.5; expected "integer".'),
        ("add", {"a": None}, 'a of add is null; expected "integer".'),
        ("shout", {"text": "x", "how": "soft"}, 'how of shout is "soft"; expected ["loud", "louder"].'),
        ("shout", {"text": "x", "to": "me"}, 'to of shout is "me"; expected "array".'),
        ("fails", {}, "ValueError: no"),
    ],
)
def test_what_is_wrong_is_told(name: str, arguments: dict[str, object], problem: str) -> None:
    assert error(name, **arguments) == problem


@pytest.mark.parametrize(
    ("name", "arguments"),
    [("add", {"a": 2.0}), ("shout", {"text": "x", "how": "louder"}), ("shout", {"text": "x", "to": None})],
)
def test_what_fits_is_run(name: str, arguments: dict[str, object]) -> None:
    assert "error" not in result(name, **arguments)


def test_a_result_without_json_is_told() -> None:
    assert error("secret").startswith("TypeError: Object of type object is not JSON serializable")


def test_a_broken_call_is_told() -> None:
    broken = BrokenToolCall("{", "It is broken.")
    assert json.loads(run(Toolbox([add]).run(broken))) == {"error": "It is broken."}


def test_two_tools_of_one_name_are_refused() -> None:
    with pytest.raises(ToolError, match="two tools are named add"):
        Toolbox([add, add])


def test_a_tool_may_be_described_by_hand() -> None:
    schema: dict[str, object] = {
        "type": "function",
        "function": {
            "name": "sum",
            "description": "",
            "parameters": {"type": "object", "properties": {"a": {}}},
        },
    }
    function: Callable[..., Any] = lambda a: a  # noqa: E731
    box = Toolbox([Tool("sum", schema, function)])
    assert box.schemas == [schema]
    assert run(box.run(ToolCall("sum", {"a": [1]}))) == "[1]"


def test_without_tools_the_template_gets_none() -> None:
    assert Toolbox([]).schemas is None


def described(properties: dict[str, object] | None = None, **rest: object) -> Toolbox:
    parameters = {"type": "object", **({} if properties is None else {"properties": properties}), **rest}
    schema = {"type": "function", "function": {"name": "t", "description": "", "parameters": parameters}}
    return Toolbox([Tool("t", schema, lambda **given: given)])


@pytest.mark.parametrize(
    ("toolbox", "arguments"),
    [
        (described({"x": {"type": ["string", "null"]}}), {"x": None}),
        (described({"x": {"type": ["string", "null"], "enum": ["a", None]}}), {"x": None}),
        (described({"x": True}), {"x": [1]}),
        (described(additionalProperties={"type": "string"}), {"k": "v"}),
        (described({"x": {}}, additionalProperties=True), {"k": 1}),
        (described(), {"k": 1}),
    ],
)
def test_what_the_schema_allows_is_run(toolbox: Toolbox, arguments: dict[str, object]) -> None:
    assert run(toolbox.run(ToolCall("t", arguments))) == json.dumps(arguments)


@pytest.mark.parametrize(
    ("toolbox", "arguments", "problem"),
    [
        (described({"x": {"type": "string"}}), {"x": None}, "x of t is null"),
        (described({"x": {"enum": ["a"]}}), {"x": None}, "x of t is null"),
        (described({"x": False}), {"x": 1}, "t has no parameter x"),
        (described(additionalProperties={"type": "string"}), {"k": 1}, "k of t is 1"),
        (described(additionalProperties=False), {"k": 1}, "t has no parameter k"),
    ],
)
def test_what_it_does_not_allow_is_not(toolbox: Toolbox, arguments: dict[str, object], problem: str) -> None:
    assert problem in run(toolbox.run(ToolCall("t", arguments)))


def test_a_tool_without_parameters_in_its_schema_can_be_called() -> None:
    bare = Tool("now", {"type": "function", "function": {"name": "now"}}, lambda: "12:00")
    assert run(Toolbox([bare]).run(ToolCall("now", {}))) == "12:00"
