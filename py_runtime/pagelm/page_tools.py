"""The tools that a page offers: those that run here, and how a call of any of them is answered.

A page may offer tools of its own, too, which a person answers: a call of one is checked here like any other
and then handed back. Knows no model and no chat.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import cast

from pagelm.calculator import calculator
from pagelm.tool_calls import BrokenToolCall, ToolCall
from pagelm.tool_schema import Schema
from pagelm.tools import Tool, Toolbox, make_tool

_BUILT_IN = {tool.name: tool for tool in (make_tool(calculator),)}


def built_in_schemas() -> list[Schema]:
    """The tools that run here, as the template shows them."""
    return [tool.schema for tool in _BUILT_IN.values()]


async def answer_call(call: ToolCall | BrokenToolCall, offered: Sequence[Mapping[str, object]]) -> str | None:
    """What the model is told: a result or `{"error": …}`; None: the call fits a tool of the person's.

    Args:
        call: What the model asked for.
        offered: Schemas of the tools that it was shown.

    Raises:
        ToolError: Two tools have the same name.
    """
    toolbox = Toolbox([_tool_of(schema) for schema in offered])
    if (refusal := toolbox.refuse(call)) is not None:
        return refusal
    if isinstance(call, ToolCall) and call.name in _BUILT_IN:
        return await toolbox.run(call)
    return None


def _tool_of(schema: Mapping[str, object]) -> Tool:
    """Of the same name, what runs here goes before what a page describes."""
    name = str(cast("Mapping[str, object]", schema["function"])["name"])
    return _BUILT_IN.get(name) or Tool(name, dict(schema), _answered_by_the_person)


def _answered_by_the_person() -> None:
    raise AssertionError("the page asks the person")
