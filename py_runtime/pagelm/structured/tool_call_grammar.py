"""The schemas of tools to an expression: what may stand between `<tool_call>` and `</tool_call>`.

    ↵{"name": "add", "arguments": {"a": 27, "b": 38}}↵

Spelled as Qwen's templates spell earlier calls, so that the model meets what it knows. The arguments are JSON
of the tool's own schema (`json_schema`), the name is one of the tools'.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import cast

from pagelm.errors import GrammarError, ToolError
from pagelm.structured.automaton import Automaton
from pagelm.structured.expressions import Expression, chain, choice
from pagelm.structured.json_schema import compile_schema

_NAMED_SCHEMAS = ("properties", "$defs", "definitions")
_ONE_SCHEMA = ("items", "additionalProperties")
_SEVERAL_SCHEMAS = ("prefixItems", "anyOf", "oneOf", "allOf")


def compile_tool_calls(tools: Sequence[Mapping[str, object]]) -> Expression:
    """What a call of one of these tools may be.

    Args:
        tools: `{"type": "function", "function": {"name", "parameters"}}` each.

    Raises:
        ToolError: One is no schema of a function.
        GrammarError: A schema is not supported or nothing fits it; the message names tool and place.
    """
    return choice([_compile_call(tool.get("function"), place) for place, tool in enumerate(tools)])


def _compile_call(function: object, place: int) -> Expression:
    name = function.get("name") if isinstance(function, Mapping) else None
    if not isinstance(function, Mapping) or not isinstance(name, str):
        raise ToolError(
            f"tool {place} is no function with a name",
            expected='{"type": "function", "function": {"name", "description", "parameters"}}',
            remedy="Describe it so, or make it of a function with pagelm.make_tool.",
        )
    parameters = cast("Mapping[str, object]", function.get("parameters") or {})
    try:
        arguments = compile_schema(_without_nullable({**parameters, "type": "object"}))
        Automaton(arguments, "the schema")  # an option that nothing fits would be left out without a word
    except GrammarError as error:
        raise GrammarError(
            f"tool {name} cannot be called: {error.problem}", expected=error.expected, remedy=error.remedy
        ) from error
    return chain('\n{"name": ', json.dumps(name, ensure_ascii=False), ', "arguments": ', arguments, "}\n")


def _without_nullable(schema: object) -> object:
    """`nullable`, which transformers writes for `| None`, as JSON Schema says it."""
    if not isinstance(schema, Mapping):
        return schema
    plain = {key: _plain_value(key, value) for key, value in schema.items() if key != "nullable"}
    return {"anyOf": [plain, {"type": "null"}]} if schema.get("nullable") is True else plain


def _plain_value(key: str, value: object) -> object:
    if key in _ONE_SCHEMA:
        return _without_nullable(value)
    if key in _NAMED_SCHEMAS and isinstance(value, Mapping):
        return {name: _without_nullable(held) for name, held in value.items()}
    if key in _SEVERAL_SCHEMAS and isinstance(value, list | tuple):
        return [_without_nullable(held) for held in value]
    return value
