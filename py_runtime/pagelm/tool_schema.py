"""A Python function as the JSON schema that a chat template shows to the model.

From signature, type hints and docstring (Google style), to the same schema as transformers' `get_json_schema`
for what both understand. Descriptions may be missing here; a type that has no JSON is refused by name.
"""

from __future__ import annotations

import inspect
import re
import types
from collections.abc import Callable, Iterator
from typing import Any, Literal, Union, get_args, get_origin, get_type_hints

from pagelm.errors import ToolError

Schema = dict[str, object]

_PRIMITIVES: dict[object, str] = {
    str: "string",
    int: "integer",
    float: "number",
    bool: "boolean",
    type(None): "null",
}
_SECTION = re.compile(r"^(Args|Arguments|Parameters|Returns|Return|Raises|Yields|Examples?|Notes?):\s*$")
_ARGUMENT = re.compile(r"^(\w+)\s*(?:\([^)]*\))?\s*:\s*(.*)$")


def describe_function(function: Callable[..., object]) -> Schema:
    """`{"type": "function", "function": {"name", "description", "parameters"}}`.

    Args:
        function: Each of its parameters has a type hint and can be given by name.

    Raises:
        ToolError: A parameter has no type hint, one that JSON cannot have, or takes any number of arguments.
    """
    name = getattr(function, "__name__", type(function).__name__)
    hints = _hints(function, name)
    description, arguments = _parse_docstring(inspect.getdoc(function) or "")
    properties: dict[str, Schema] = {}
    required: list[str] = []
    for parameter in inspect.signature(function).parameters.values():
        properties[parameter.name] = _property(name, parameter, hints)
        if parameter.name in arguments:
            properties[parameter.name]["description"] = arguments[parameter.name]
        if parameter.default is inspect.Parameter.empty:
            required.append(parameter.name)
    parameters: Schema = {"type": "object", "properties": properties}
    if required:
        parameters["required"] = required
    described: Schema = {"name": name, "description": description, "parameters": parameters}
    return {"type": "function", "function": described}


def _hints(function: Callable[..., object], name: str) -> dict[str, object]:
    try:
        return get_type_hints(function)
    except (NameError, TypeError) as error:
        raise _refused(
            name, f"its type hints cannot be read: {error}", "hints that name known types"
        ) from error


def _property(name: str, parameter: inspect.Parameter, hints: dict[str, object]) -> Schema:
    where = f"parameter {parameter.name}"
    if parameter.kind not in (inspect.Parameter.POSITIONAL_OR_KEYWORD, inspect.Parameter.KEYWORD_ONLY):
        raise _refused(name, f"{where} cannot be given by name", "parameters that can")
    if parameter.name not in hints:
        raise _refused(name, f"{where} has no type hint", f"one, such as {parameter.name}: str")
    try:
        return _schema_of(hints[parameter.name])
    except TypeError as error:
        raise _refused(
            name,
            f"{where} is of type {error}",
            "str, int, float, bool, None, Literal, or list, tuple, dict and unions of these",
        ) from None


def _schema_of(hint: Any) -> Schema:
    """Raises TypeError, with the hint as its text, for what JSON cannot have."""
    if hint is Any:
        return {}
    if hint in _PRIMITIVES:
        return {"type": _PRIMITIVES[hint]}
    origin, arguments = get_origin(hint), get_args(hint)
    if origin is Literal:
        return _schema_of_choices(arguments)
    if origin in (Union, types.UnionType):
        return _schema_of_union(arguments)
    if hint is list or origin is list:
        return {"type": "array", **({"items": _schema_of(arguments[0])} if arguments else {})}
    if origin is tuple and Ellipsis not in arguments:
        return {"type": "array", "prefixItems": [_schema_of(argument) for argument in arguments]}
    if hint is dict or origin is dict:
        if arguments and arguments[0] is not str:
            raise TypeError(f"{hint} (JSON's keys are strings)")
        return {
            "type": "object",
            **({"additionalProperties": _schema_of(arguments[1])} if arguments else {}),
        }
    raise TypeError(str(hint))


def _schema_of_choices(choices: tuple[object, ...]) -> Schema:
    kinds = {type(choice) for choice in choices}
    if len(kinds) != 1 or (kind := kinds.pop()) not in _PRIMITIVES:
        raise TypeError(f"Literal{list(choices)}")
    return {"type": _PRIMITIVES[kind], "enum": list(choices)}


def _schema_of_union(members: tuple[object, ...]) -> Schema:
    """None makes the rest nullable; primitives become a list of types, others a choice."""
    schemas = [_schema_of(member) for member in members if member is not type(None)]
    if len(schemas) == 1:
        schema = schemas[0]
    elif all(set(schema) == {"type"} for schema in schemas):
        schema = {"type": sorted(str(schema["type"]) for schema in schemas)}
    else:
        schema = {"anyOf": schemas}
    return {**schema, "nullable": True} if type(None) in members else schema


def _parse_docstring(text: str) -> tuple[str, dict[str, str]]:
    """The description, and what the section Args says of each parameter."""
    sections = dict(_sections(text))
    arguments: dict[str, str] = {}
    current = ""
    lines = sections.get("Args") or sections.get("Arguments") or sections.get("Parameters") or []
    indent = min((len(line) - len(line.lstrip()) for line in lines if line.strip()), default=0)
    for line in lines:
        if not line.strip():
            continue
        match = _ARGUMENT.match(line[indent:])
        if match:
            current = match[1]
            arguments[current] = match[2].strip()
        elif current:
            arguments[current] = f"{arguments[current]} {line.strip()}".strip()
    return "\n".join(sections.get("", [])).strip(), arguments


def _sections(text: str) -> Iterator[tuple[str, list[str]]]:
    name, lines = "", list[str]()
    for line in text.splitlines():
        if match := _SECTION.match(line):
            yield name, lines
            name, lines = match[1], []
        else:
            lines.append(line)
    yield name, lines


def _refused(name: str, problem: str, expected: str) -> ToolError:
    return ToolError(
        f"function {name} cannot be a tool: {problem}",
        expected=expected,
        remedy="Change the function, or wrap it in one that the model can call.",
    )
