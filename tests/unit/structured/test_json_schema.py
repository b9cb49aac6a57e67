"""Schemas: what an answer may look like, and what is refused by name and place."""

from __future__ import annotations

import gc
import json
from typing import Any

import pytest

from pagelm.errors import GrammarError
from pagelm.structured import automaton as automaton_module
from pagelm.structured.json_schema import compile_schema
from unit.structured.texts import automaton_of, fits

PERSON = {
    "type": "object",
    "properties": {"name": {"type": "string"}, "age": {"type": "integer"}, "ok": {"type": "boolean"}},
    "required": ["age"],
}
TREE = {
    "$ref": "#/$defs/node",
    "$defs": {
        "node": {
            "type": "object",
            "properties": {
                "value": {"type": "null"},
                "kids": {"type": "array", "items": {"$ref": "#/$defs/node"}},
            },
            "required": ["value"],
        }
    },
}


@pytest.mark.parametrize(
    ("schema", "good", "bad"),
    [
        (
            PERSON,
            [
                '{"age":1}',
                '{"name": "x", "age": 1}',
                '{"name":"","age":-3,"ok": true}',
                '{"age":1,"ok":false}',
            ],
            [
                '{"name":"x"}',
                '{"age":1,"name":"x"}',
                '{"age":1,}',
                "{}",
                '{"age":1,"more":2}',
                '{"age" :1}',
                '{"age":  1}',
                ' {"age":1}',
                '{"age":1} ',
                '{"age":\n1}',
            ],
        ),
        (
            TREE,
            ['{"value":null}', '{"value":null,"kids":[{"value":null, "kids":[]},{"value":null}]}'],
            ['{"kids":[]}', '{"value":null,"kids":[{}]}'],
        ),
        (
            {
                "type": "object",
                "additionalProperties": {"type": "integer"},
                "properties": {"a": {"type": "null"}},
            },
            ["{}", '{"a":null}', '{"b":1}', '{"a":null,"b":1,"ab":2,"":3}'],
            ['{"a":1}', '{"b":null}', '{"a":null,"a":1}', '{"\\u0061":1}'],
        ),
        ({"required": ["x"], "type": "object"}, ['{"x":1}', '{"x":[{}],"y":0}'], ["{}", '{"y":0}']),
        ({"properties": {"no": False, "a": True}}, ["{}", '{"a":[1,{"x":null}]}'], ['{"no":1}']),
        (
            {"type": "array", "items": {"type": "boolean"}, "minItems": 2, "maxItems": 3},
            ["[true,false]", "[true, true, true]"],
            ["[]", "[true]", "[true,true,true,true]", "[1,2]"],
        ),
        ({"type": "array", "maxItems": 0}, ["[]"], ["[1]"]),
        (
            {"prefixItems": [{"const": "a"}, {"type": "integer"}], "items": False},
            ["[]", '["a"]', '["a",2]'],
            ["[2]", '["a",2,3]'],
        ),
        (
            {"prefixItems": [{"const": "a"}], "items": {"type": "null"}, "minItems": 3},
            ['["a",null,null]', '["a", null, null, null]'],
            ['["a",null]', "[]"],
        ),
        (
            {"enum": ["x", 1, 1.5, None, {"k": [True]}]},
            ['"x"', "1", "1.5", "null", '{"k": [true]}'],
            ['"y"', "1.0", "true"],
        ),
        ({"enum": ["x", 1, True], "type": ["integer", "boolean"]}, ["1", "true"], ['"x"']),
        ({"const": 'say "é"\n'}, ['"say \\"é\\"\\n"'], ['"say"']),
        (
            {"type": ["string", "null"], "maxLength": 2},
            ['"ab"', "null", '"日本"', '"\\u00e9x"', '"\\ud834\\udd1ex"'],
            ['"abc"', "1", '"\\ud834"', '"\\udd1e"', '"\n"', '"\\x"'],
        ),
        ({"type": "string", "minLength": 2}, ['"ab"', '"' + "x" * 500 + '"'], ['"a"', '""']),
        ({"type": "string", "pattern": "^[a-c]+$"}, ['"abc"'], ['""', '"abd"']),
        ({"type": "string", "pattern": "b"}, ['"b"', '"\\nab\\"c"'], ['"ac"']),
        ({"pattern": "^[a-z]{2,}$", "maxLength": 3}, ['"ab"', '"abc"'], ['"a"', '"abcd"']),
        ({"type": "string", "pattern": '^"\\\\$'}, ['"\\"\\\\"'], ['"x"']),
        ({"type": "integer"}, ["0", "-12", "10"], ["1.0", "01", "1e3", "-", '"1"']),
        (
            {"type": "number"},
            ["0", "-1.50", "1e-07", "9.25E+300", "12"],
            [".5", "1.", "01", "1e308", "12e1", "1e"],
        ),
        ({"type": "integer", "minimum": -5, "maximum": 120}, ["-5", "0", "99", "120"], ["-6", "121", "1000"]),
        ({"type": "integer", "exclusiveMinimum": 1.5, "exclusiveMaximum": 4}, ["2", "3"], ["1", "4"]),
        ({"type": "integer", "minimum": 98765}, ["98765", "98770", "123456"], ["98764", "9"]),
        (
            {"type": "number", "minimum": 0, "exclusiveMaximum": 1},
            ["0", "0.0", "0.999"],
            ["1", "-0.1", "1.0", "-0"],
        ),
        (
            {"type": "number", "exclusiveMinimum": 0.25, "maximum": 10.5},
            ["0.251", "0.3", "10.5", "10.50", "7"],
            ["0.25", "0.250", "10.51", "11"],
        ),
        ({"maximum": 2.75}, ["2.7", "2.75", "2.750", "2", "2.0", "-9"], ["2.76", "2.8", "2.751", "3"]),
        ({"minimum": 2.75}, ["2.75", "2.8", "2.751", "3"], ["2.7", "2", "2.749", "-3"]),
        ({"maximum": -2.5}, ["-2.5", "-3", "-10"], ["-2.4", "-2", "3"]),
        (
            {"anyOf": [{"type": "integer"}, {"type": "object", "properties": {"a": True}}]},
            ["1", "{}", '{"a":"x"}'],
            ['"x"'],
        ),
        ({"oneOf": [{"const": 1}, {"const": 2}]}, ["1", "2"], ["3"]),
        (
            {
                "type": "object",
                "required": ["t"],
                "anyOf": [
                    {"properties": {"t": {"const": 1}}},
                    {"properties": {"t": {"const": 2}, "u": True}},
                ],
            },
            ['{"t":1}', '{"t":2,"u":0}'],
            ['{"t":1,"u":0}', "{}"],
        ),
        (
            {
                "allOf": [
                    {"properties": {"a": {"minimum": 1}}},
                    {"properties": {"a": {"type": "integer", "maximum": 2}}, "required": ["a"]},
                ]
            },
            ['{"a":1}', '{"a":2}'],
            ['{"a":3}', '{"a":0}', "{}"],
        ),
        (
            {"$ref": "#/$defs/a~1b", "maximum": 3, "$defs": {"a/b": {"type": "integer", "minimum": 2}}},
            ["2", "3"],
            ["1", "4"],
        ),
        (
            {"$ref": "#/definitions/x", "description": "d", "definitions": {"x": {"type": "null"}}},
            ["null"],
            ["1"],
        ),
        (True, ['{"a":[1,"x",null,{}]}', "[]", "-1.5"], ["", "nul", "[1,]", "'a'"]),
        ({"title": "anything"}, ["null"], [""]),
        ({"anyOf": [{"$ref": "#"}, {"const": 1}]}, ["1"], ["2"]),
    ],
)
def test_a_schema_lets_its_instances_through(schema: Any, good: list[str], bad: list[str]) -> None:
    automaton = automaton_of(compile_schema(schema))
    assert [text for text in good if not fits(automaton, text)] == []
    assert [text for text in bad if fits(automaton, text)] == []


@pytest.mark.parametrize(
    ("name", "good", "bad"),
    [
        (
            "date",
            ["2024-02-29", "2000-02-29", "1999-12-31"],
            ["2023-02-29", "1900-02-29", "2024-04-31", "0000-01-01", "2024-13-01"],
        ),
        ("time", ["23:59:59Z", "00:00:00.123+05:30"], ["24:00:00Z", "10:00:00", "10:00Z"]),
        ("date-time", ["2024-02-29T12:00:00Z"], ["2024-02-29 12:00:00Z", "2023-02-29T12:00:00Z"]),
        (
            "email",
            ["ada.lovelace+x@mail.example.org"],
            ["ada", "ada@", "@x.org", "a@b", ".a@b.org", "a b@c.org"],
        ),
        ("uuid", ["123e4567-e89b-12d3-a456-426614174000"], ["123e4567e89b12d3a456426614174000"]),
        ("uri", ["https://x.org/a?b=%20#c", "mailto:a@b.org"], ["x.org", "https:", "http://a b"]),
        ("ipv4", ["0.0.0.0", "255.199.20.1"], ["256.1.1.1", "1.1.1", "01.1.1.1"]),
    ],
)
def test_a_format_is_checked_in_earnest(name: str, good: list[str], bad: list[str]) -> None:
    automaton = automaton_of(compile_schema({"type": "string", "format": name}))
    assert [text for text in good if not fits(automaton, json.dumps(text))] == []
    assert [text for text in bad if fits(automaton, json.dumps(text))] == []


@pytest.mark.parametrize(
    ("schema", "problem"),
    [
        ({"properties": {"a": {"not": {}}}}, "#/properties/a/not is not supported"),
        ({"if": {}}, "#/if is not supported"),
        ({"patternProperties": {}}, "#/patternProperties is not supported"),
        ({"items": {"multipleOf": 2}}, "#/items/multipleOf is not supported"),
        ({"uniqueItems": True}, "#/uniqueItems is not supported"),
        ({"minProperties": 1}, "#/minProperties is not supported"),
        ({"contains": {}}, "#/contains is not supported"),
        ({"nullable": True}, "#/nullable is not supported"),
        ({"allOf": [{"const": 1}, {"$dynamicRef": "#x"}]}, "#/allOf/1/\\$dynamicRef is not supported"),
        ({"format": "ipv6"}, "#/format is 'ipv6', which is not supported"),
        ({"type": "text"}, "#/type is 'text'"),
        ({"type": []}, r"#/type is \[\]"),
        ({"anyOf": []}, "#/anyOf is"),
        ({"$ref": "other.json"}, "#/\\$ref is 'other.json'"),
        ({"$ref": "#/$defs/x"}, "which is not there"),
        ({"$ref": "#"}, "allows no text at all"),
        ({"allOf": [{"$ref": "#"}]}, "refers to #, which is itself"),
        (
            {
                "$ref": "#/$defs/a",
                "$defs": {"a": {"properties": {"a": {"$ref": "#/$defs/a"}}, "required": ["a"]}},
            },
            "allows no text at all",
        ),
        ({"properties": {"a": False}, "required": ["a"]}, "#/properties/a is false"),
        (False, "# is false"),
        ({"properties": {"a": {}}, "required": ["b"], "additionalProperties": False}, "#/required names 'b'"),
        ({"minimum": 2, "maximum": 1}, "# has bounds that no number fits"),
        ({"minimum": "1"}, "#/minimum is '1'"),
        ({"exclusiveMinimum": True, "minimum": 1}, "#/exclusiveMinimum is True"),
        ({"minimum": 1e-30, "maximum": 1}, "digits before and 30 behind the point"),
        ({"minLength": 3, "maxLength": 2}, "#/minLength is 3"),
        ({"minItems": 3, "maxItems": 2}, "#/minItems is 3"),
        ({"minItems": 2, "prefixItems": [True], "items": False}, "#/minItems is 2"),
        ({"maxLength": -1}, "#/maxLength is -1"),
        ({"pattern": "^a{5}$", "maxLength": 3}, "# has pattern, format and lengths that no string fits"),
        ({"pattern": "(?=a)"}, "the pattern of the schema's # has a lookahead"),
        ({"pattern": "^.*$", "maxLength": 9000}, "would take more than 4000 states"),
        ({"enum": [1], "minimum": 0}, "#/minimum stands beside enum or const"),
        ({"enum": ["a"], "type": "integer"}, "# has values that contradict"),
        ({"const": "\ud800"}, "# has a value that JSON cannot say"),
        ({"allOf": [{"type": "string"}, {"type": "null"}]}, "#/type is"),
        ({"allOf": [{"pattern": "a"}, {"pattern": "b"}]}, "#/pattern is said twice"),
        (
            {"allOf": [{"properties": {"a": {}}, "additionalProperties": False}, {"properties": {"b": {}}}]},
            "#/additionalProperties is joined",
        ),
        ([], r"# is \[\]"),
        ({"properties": []}, "#/properties is"),
        ({"properties": {"a": 1}}, "#/properties/a is 1"),
    ],
)
def test_what_is_not_supported_is_refused_by_name_and_place(schema: Any, problem: str) -> None:
    with pytest.raises(GrammarError, match=problem):
        automaton_of(compile_schema(schema))


def test_nesting_has_an_end() -> None:
    schema: dict[str, Any] = {}
    for _ in range(100):
        schema = {"items": schema}
    with pytest.raises(GrammarError, match="nested more than 64 deep"):
        compile_schema(schema)


def test_states_that_are_forgotten_are_found_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(automaton_module, "MAX_KNOWN_STATES", 7)
    automaton = automaton_of(compile_schema(TREE))
    nested = '{"value":null,"kids":[{"value":null, "kids":[]},{"value":null}]}'
    for _ in range(3):
        assert fits(automaton, nested)
        assert not fits(automaton, nested.replace("]}", "]"))
    assert len(automaton._states) <= 7


def test_a_long_answer_does_not_keep_all_its_states(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(automaton_module, "MAX_KNOWN_STATES", 50)
    automaton = automaton_of(compile_schema({"type": "string", "maxLength": 5000}))
    start = automaton.start()
    before = states_alive()  # other tests keep theirs
    state = automaton.read(start, b'"' + b"x" * 1000)
    assert state is not None
    assert states_alive() - before < 200


def states_alive() -> int:
    gc.collect()
    # isinstance asks some objects for their class, and torch's warn about it
    return sum(type(thing) is automaton_module.State for thing in gc.get_objects())


def test_many_properties_do_not_nest_deep() -> None:
    properties = {f"property {index}": {"type": "integer"} for index in range(400)}
    automaton = automaton_of(compile_schema({"properties": properties, "additionalProperties": True}))
    assert fits(automaton, '{"property 3":1,"property 399":2, "property 400":[]}')
    assert not fits(automaton, '{"property 3":1,"property 2":2}')


def test_an_optional_property_that_nothing_fits_is_left_out() -> None:
    endless = {"properties": {"a": {"$ref": "#/$defs/a"}}, "required": ["a"]}
    automaton = automaton_of(
        compile_schema({"properties": {"x": {"$ref": "#/$defs/a"}}, "$defs": {"a": endless}})
    )
    assert fits(automaton, "{}")
    assert automaton.read(automaton.start(), b'{"') is None
