"""Tools: Python functions that a model may call, and how a call is run.

Whatever goes wrong with a call is the model's to know and becomes its result: an unknown name, arguments that
do not fit, an exception. Knows no chat.
"""

from __future__ import annotations

import inspect
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import cast

from pagelm.errors import ToolError
from pagelm.tool_calls import BrokenToolCall, ToolCall
from pagelm.tool_schema import Schema, describe_function

Function = Callable[..., object]
ValueSchema = Mapping[str, object] | bool
"""JSON Schema of one value; a boolean lets everything through, or nothing."""


@dataclass(frozen=True, slots=True)
class Tool:
    """A function and how it is described to the model.

    Attributes:
        name: What the model calls it.
        schema: `{"type": "function", "function": {"name", "description", "parameters"}}`.
        function: Runs it; may be a coroutine function.

    A schema of its own, where none can be derived from signature and docstring:

    >>> described = {"name": "now", "description": "Tell the time.", "parameters": {"type": "object"}}
    >>> clock = Tool("now", {"type": "function", "function": described}, lambda: "12:00")
    >>> Toolbox([clock]).refuse(ToolCall("now", {})) is None
    True
    """

    name: str
    schema: Schema
    function: Function


class Toolbox:
    """The tools of one chat.

    Args:
        functions: Functions to describe from signature and docstring, or tools that are described already.

    Raises:
        ToolError: A function cannot be described, or two have the same name.
    """

    def __init__(self, functions: Sequence[Function | Tool]) -> None:
        self._tools: dict[str, Tool] = {}
        for function in functions:
            tool = function if isinstance(function, Tool) else make_tool(function)
            if tool.name in self._tools:
                raise ToolError(
                    f"two tools are named {tool.name}", expected="a name for each", remedy="Rename one."
                )
            self._tools[tool.name] = tool

    @property
    def schemas(self) -> list[Schema] | None:
        """What the template shows; None where there are no tools."""
        return [tool.schema for tool in self._tools.values()] or None

    def refuse(self, call: ToolCall | BrokenToolCall) -> str | None:
        """`{"error": …}` for a call that cannot be run; None for one that can."""
        if isinstance(call, BrokenToolCall):
            return _to_error(call.problem)
        tool = self._tools.get(call.name)
        if tool is None:
            names = ", ".join(self._tools) or "none"
            return _to_error(f"There is no tool named {call.name}. There are: {names}.")
        problem = _mismatch(tool, call.arguments)
        return _to_error(problem) if problem else None

    async def run(self, call: ToolCall | BrokenToolCall) -> str:
        """What the model is told: the result as text or JSON, or `{"error": …}`."""
        if (refusal := self.refuse(call)) is not None:
            return refusal
        assert isinstance(call, ToolCall)
        try:
            result = self._tools[call.name].function(**call.arguments)
            if inspect.isawaitable(result):
                result = await result
            return result if isinstance(result, str) else json.dumps(result, ensure_ascii=False)
        except Exception as error:  # a tool is somebody's program: it may fail in any way
            return _to_error(f"{type(error).__name__}: {error}")


def make_tool(function: Function) -> Tool:
    """Describe a function.

    Raises:
        ToolError: As `describe_function`.

    >>> def add(a: int, b: int) -> int:
    ...     "Add two numbers."
    ...     return a + b
    >>> make_tool(add).schema["function"]["parameters"]["properties"]
    {'a': {'type': 'integer'}, 'b': {'type': 'integer'}}
    """
    schema = describe_function(function)
    return Tool(str(cast("Schema", schema["function"])["name"]), schema, function)


def _mismatch(tool: Tool, arguments: Mapping[str, object]) -> str:
    """What keeps the arguments from being those of the tool; "" when nothing does."""
    function = cast("Mapping[str, object]", tool.schema["function"])
    described = cast("Mapping[str, object]", function.get("parameters") or {})
    properties = cast("Mapping[str, ValueSchema]", described.get("properties") or {})
    others = cast("ValueSchema", described.get("additionalProperties", "properties" not in described))
    missing = [name for name in cast("Sequence[str]", described.get("required", ())) if name not in arguments]
    if missing:
        return f"{tool.name} needs {', '.join(missing)}."
    for name, value in arguments.items():
        schema = properties.get(name, others)
        if schema is False:
            return f"{tool.name} has no parameter {name}. It has: {', '.join(properties) or 'none'}."
        if not _fits(value, schema):
            assert not isinstance(schema, bool)
            expected = schema.get("enum") or schema.get("type")
            return f"{name} of {tool.name} is {json.dumps(value)}; expected {json.dumps(expected)}."
    return ""


def _fits(value: object, schema: ValueSchema) -> bool:
    """Whether a value is of the schema's type and choices; what lies inside arrays and objects is the
    function's to check."""
    if isinstance(schema, bool):
        return schema
    if value is None and schema.get("nullable"):
        return True
    if "enum" in schema:
        return value in cast("Sequence[object]", schema["enum"])
    asked = schema.get("type")
    kinds = asked if isinstance(asked, list) else [asked]
    return asked is None or any(_is_of(value, str(kind)) for kind in kinds)


def _is_of(value: object, kind: str) -> bool:
    if value is None:
        return kind == "null"
    if isinstance(value, bool):
        return kind == "boolean"
    return {
        "string": isinstance(value, str),
        "integer": isinstance(value, int) or (isinstance(value, float) and value.is_integer()),
        "number": isinstance(value, int | float),
        "array": isinstance(value, list),
        "object": isinstance(value, dict),
    }.get(kind, kind not in ("boolean", "null"))


def _to_error(problem: str) -> str:
    return json.dumps({"error": problem}, ensure_ascii=False)
