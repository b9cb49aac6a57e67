"""Strings, numbers and given values of a JSON Schema: what has no schema inside."""

from __future__ import annotations

import json
from collections.abc import Callable
from decimal import Decimal
from math import isfinite

from pagelm.structured.characters import ANY, spell_in_json
from pagelm.structured.expressions import Expression, Repeat, choice
from pagelm.structured.intersection import intersect
from pagelm.structured.json_values import INTEGER, number, quoted, string, value_literal
from pagelm.structured.number_ranges import Bound, numbers_between
from pagelm.structured.regular_expression import parse_pattern
from pagelm.structured.schema_reading import Schema, array, refuse, types
from pagelm.structured.string_formats import PATTERNS


def string_of(schema: Schema, place: str) -> Expression:
    """A string of this schema."""
    least, most = count_of(schema, "minLength", place) or 0, count_of(schema, "maxLength", place)
    contents = []
    if "pattern" in schema:
        pattern = _text(schema, "pattern", place)
        name = f"the pattern of the schema's {place}"
        contents.append(parse_pattern(pattern, name=name, spelling=spell_in_json, anchored=False))
    if "format" in schema:
        known = _text(schema, "format", place)
        if known not in PATTERNS:
            refuse(f"{place}/format", f"is {known!r:.80}, which is not supported", ", ".join(PATTERNS))
        contents.append(parse_pattern(PATTERNS[known], name=known, spelling=spell_in_json))
    if most is not None and least > most:
        refuse(f"{place}/minLength", f"is {least}", f"at most {most}, its maxLength")
    if not contents:
        return string(least, most)
    if least or most is not None:
        contents.append(Repeat(spell_in_json(ANY), least, most))
    content = contents[0]
    for other in contents[1:]:
        name = f"pattern, format and lengths of the schema's {place}"
        both = intersect(content, other, name=name)
        if both is None:
            refuse(place, "has pattern, format and lengths that no string fits", "some that go together")
        content = both
    return quoted(content)


def number_of(schema: Schema, place: str, *, integers: bool) -> Expression:
    """A number of this schema."""
    least = _bound(schema, "minimum", "exclusiveMinimum", place, max)
    greatest = _bound(schema, "maximum", "exclusiveMaximum", place, min)
    if not least and not greatest:
        return INTEGER if integers else number()
    between = numbers_between(least, greatest, integers=integers, name=f"the bounds of the schema's {place}")
    if between is None:
        refuse(place, "has bounds that no number fits", "a minimum below the maximum")
    return between


def _bound(
    schema: Schema, inclusive: str, exclusive: str, place: str, narrower: Callable[..., Bound]
) -> Bound | None:
    bounds = []
    for key in (inclusive, exclusive):
        if key in schema:
            value = schema[key]
            if isinstance(value, bool) or not isinstance(value, int | float) or not isfinite(value):
                refuse(f"{place}/{key}", f"is {value!r:.80}", "a number")
            bounds.append(Bound(Decimal(repr(value)), key == exclusive))
    if not bounds:
        return None
    # of two equal ones the exclusive says more, and comes last
    return narrower(reversed(bounds), key=lambda bound: bound.value)


def values_of(schema: Schema, place: str) -> Expression:
    """What `enum` and `const` leave."""
    others = schema.keys() - {"enum", "const", "type"}
    if others:
        refuse(f"{place}/{sorted(others)[0]}", "stands beside enum or const", "only type beside them")
    values = array(schema["enum"], f"{place}/enum") if "enum" in schema else [schema["const"]]
    if "const" in schema:
        values = [value for value in values if _same(value, schema["const"])]
    if "type" in schema:
        values = [value for value in values if _has_type(value, types(schema["type"], place))]
    if not values:
        refuse(place, "has values that contradict each other or their type", "one that is left")
    try:
        return choice([value_literal(value) for value in values])
    except (TypeError, ValueError) as error:  # NaN, half a surrogate pair, what is no JSON
        return refuse(place, f"has a value that JSON cannot say: {error}", "JSON values")


def _same(left: object, right: object) -> bool:
    return json.dumps(left, sort_keys=True) == json.dumps(right, sort_keys=True)


def _has_type(value: object, names: list[str]) -> bool:
    match value:
        case bool():
            return "boolean" in names
        case None:
            return "null" in names
        case str():
            return "string" in names
        case int():
            return "integer" in names or "number" in names
        case float():
            return "number" in names or ("integer" in names and value.is_integer())
        case list():
            return "array" in names
        case _:
            return "object" in names


def count_of(schema: Schema, key: str, place: str) -> int | None:
    """The number of things that a keyword gives."""
    value = schema.get(key)
    if value is None and key not in schema:
        return None
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    if isinstance(value, bool) or not isinstance(value, int) or value < 0:
        refuse(f"{place}/{key}", f"is {value!r:.80}", "an integer of at least 0")
    return value


def _text(schema: Schema, key: str, place: str) -> str:
    value = schema[key]
    if not isinstance(value, str):
        refuse(f"{place}/{key}", f"is {value!r:.80}", "a string")
    return value
