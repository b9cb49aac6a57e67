"""Random schemas of the supported kind, and random instances of each, made without the code under test."""

from __future__ import annotations

import json
from typing import Any

from hypothesis import strategies as st

Schema = dict[str, Any]

NAMES = st.sampled_from(["a", "b", "ab", "naïve", 'q"', "k\n", ""])
# what both oracles and the answer's spelling agree on: no lone surrogates
TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=6)
JSON_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-(10**9), 10**9) | st.floats(-1e300, 1e300) | TEXTS,
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(TEXTS, inner, max_size=2),
    max_leaves=4,
)
PATTERNS = {
    "^[a-c]{1,3}$": st.text("abc", min_size=1, max_size=3),
    r"^\d+-\w*$": st.builds("{}-{}".format, st.integers(0, 999), st.text("xY_9", max_size=3)),
    'é"': st.builds('{}é"{}'.format, TEXTS, TEXTS),
}


@st.composite
def strings(draw: st.DrawFn) -> tuple[Schema, st.SearchStrategy[str]]:
    if draw(st.booleans()):
        pattern = draw(st.sampled_from(sorted(PATTERNS)))
        return {"type": "string", "pattern": pattern}, PATTERNS[pattern]
    least = draw(st.integers(0, 3))
    most = draw(st.integers(least, 5))
    texts = st.text(st.characters(exclude_categories=["Cs"]), min_size=least, max_size=most)
    return {"type": "string", "minLength": least, "maxLength": most}, texts


@st.composite
def numbers(draw: st.DrawFn) -> tuple[Schema, st.SearchStrategy[Any]]:
    low = draw(st.integers(-2000, 2000))
    high = draw(st.integers(low, 2000))
    if draw(st.booleans()):
        return {"type": "integer", "minimum": low, "exclusiveMaximum": high + 1}, st.integers(low, high)
    scale = draw(st.sampled_from([1, 8, 100]))
    hundredths = st.integers(low * 100 // scale + 1, high * 100 // scale).map(lambda value: value / 100)
    if low * 100 // scale + 1 > high * 100 // scale:
        return {"type": "number"}, st.floats(-1e300, 1e300)
    return {"type": "number", "exclusiveMinimum": low / scale, "maximum": high / scale}, hundredths


@st.composite
def objects(draw: st.DrawFn, inner: Any) -> tuple[Schema, st.SearchStrategy[Any]]:
    names = draw(st.lists(NAMES, unique=True, max_size=3))
    held = {name: draw(inner) for name in names}
    required = [name for name in names if draw(st.booleans())]
    schema: Schema = {
        "type": "object",
        "properties": {name: schema for name, (schema, _) in held.items()},
        "required": required,
    }
    members = st.fixed_dictionaries(
        {name: held[name][1] for name in required},
        optional={name: held[name][1] for name in names if name not in required},
    ).map(lambda made: {name: made[name] for name in names if name in made})
    if not draw(st.booleans()):
        return schema, members
    other, others = draw(inner)
    schema["additionalProperties"] = other
    more = st.dictionaries(TEXTS.filter(lambda name: name not in names), others, max_size=2)
    return schema, st.builds(lambda known, unknown: {**known, **unknown}, members, more)


@st.composite
def arrays(draw: st.DrawFn, inner: Any) -> tuple[Schema, st.SearchStrategy[Any]]:
    item, items = draw(inner)
    least = draw(st.integers(0, 2))
    most = draw(st.integers(least, 3))
    schema: Schema = {"type": "array", "items": item, "minItems": least, "maxItems": most}
    if not least and draw(st.booleans()):
        first, firsts = draw(inner)
        schema = {"type": "array", "prefixItems": [first], "items": item}
        rest = st.lists(items, max_size=2)
        return schema, st.just([]) | st.builds(lambda head, tail: [head, *tail], firsts, rest)
    return schema, st.lists(items, min_size=least, max_size=most)


@st.composite
def values(draw: st.DrawFn) -> tuple[Schema, st.SearchStrategy[Any]]:
    made = draw(st.lists(JSON_VALUES, min_size=1, max_size=3))
    return {"enum": made}, st.sampled_from(made)


@st.composite
def unions(draw: st.DrawFn, inner: Any) -> tuple[Schema, st.SearchStrategy[Any]]:
    options = draw(st.lists(inner, min_size=1, max_size=3))
    return {"anyOf": [schema for schema, _ in options]}, st.one_of([made for _, made in options])


LEAVES = (
    strings()
    | numbers()
    | values()
    | st.just(({"type": ["boolean", "null"]}, st.none() | st.booleans()))
    | st.just(({"type": "number"}, st.floats(-1e300, 1e300) | st.integers(-(10**20), 10**20)))
    | st.just(({}, JSON_VALUES))
)
SCHEMAS = st.recursive(LEAVES, lambda inner: objects(inner) | arrays(inner) | unions(inner), max_leaves=6)
"""Pairs of a schema and a strategy for its instances, whose properties are in the schema's order."""


@st.composite
def compact_json(draw: st.DrawFn, value: Any) -> str:
    """JSON of a value, with a space after some of the separators."""
    space = draw(st.sampled_from(["", " "]))
    return json.dumps(
        value, ensure_ascii=False, separators=(f",{space}", f":{draw(st.sampled_from(['', ' ']))}")
    )
