"""JSON Schema to an expression: what a model may write so that the answer is JSON of that schema.

The text is compact (`json_values`), properties come in the order of the schema, and what the schema leaves
open may be narrower than the standard: without `additionalProperties` an object with `properties` has no
others, a schema without `type` has the types that its keywords speak of, and `oneOf` means `anyOf`. Every
text that comes out is valid JSON and of the schema (`oneOf` apart); what cannot be promised is refused.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import cast

from pagelm.structured.expressions import EMPTY, Expression, Repeat, Rule, chain, choice, literal, optional
from pagelm.structured.json_values import COLON, COMMA, any_value, key_other_than, value_literal
from pagelm.structured.schema_reading import Schema, SchemaReader, array, join, refuse, types
from pagelm.structured.schema_scalars import count_of, number_of, string_of, values_of

MAX_NESTING = 64
_TYPE_OF_KEYWORD = {
    "properties": "object",
    "required": "object",
    "additionalProperties": "object",
    "items": "array",
    "prefixItems": "array",
    "minItems": "array",
    "maxItems": "array",
    "minLength": "string",
    "maxLength": "string",
    "pattern": "string",
    "format": "string",
    "minimum": "number",
    "maximum": "number",
    "exclusiveMinimum": "number",
    "exclusiveMaximum": "number",
}


def compile_schema(schema: object) -> Expression:
    """What the whole answer may be.

    Args:
        schema: A JSON Schema, as `json.loads` gives it.

    Raises:
        GrammarError: Something in it is not supported or cannot be fulfilled; the message names the place.
    """
    return _Compiler(schema).value(schema, "#")


class _Compiler:
    def __init__(self, document: object) -> None:
        self._reader = SchemaReader(document)
        self._rules: dict[str, Rule] = {}
        self._nesting = 0

    def value(self, schema: object, place: str) -> Expression:
        """A value of this schema."""
        if pointer := self._reader.plain_reference(schema, place):
            return self._rule(pointer, place)
        if self._nesting >= MAX_NESTING:
            refuse(place, f"is nested more than {MAX_NESTING} deep", "less nesting, or $ref")
        self._nesting += 1
        expression = self._assertions(self._reader.read(schema, place), place)
        self._nesting -= 1
        return expression

    def _rule(self, pointer: str, place: str) -> Rule:
        if pointer not in self._rules:
            rule = self._rules[pointer] = Rule(pointer)
            rule.body = self.value(self._reader.look_up(pointer, place), pointer)
        return self._rules[pointer]

    def _assertions(self, schema: Schema | bool, place: str) -> Expression:
        if schema is True:
            return any_value()
        if schema is False:
            refuse(place, "is false, which nothing fits", "a schema that something fits")
        for keyword in ("anyOf", "oneOf"):
            if keyword in schema:
                return self._any_of(schema, keyword, place)
        if "const" in schema or "enum" in schema:
            return values_of(schema, place)
        return choice([self._of_type(name, schema, place) for name in _types(schema, place)])

    def _any_of(self, schema: Schema, keyword: str, place: str) -> Expression:
        rest = {key: value for key, value in schema.items() if key != keyword}
        options = []
        for index, option in enumerate(array(schema[keyword], f"{place}/{keyword}")):
            where = f"{place}/{keyword}/{index}"
            options.append(
                self.value(option, where)
                if not rest
                else self._assertions(join(rest, self._reader.read(option, where), where), where)
            )
        return choice(options)

    def _of_type(self, name: str, schema: Schema, place: str) -> Expression:
        match name:
            case "object":
                return self._object(schema, place)
            case "array":
                return self._array(schema, place)
            case "string":
                return string_of(schema, place)
            case "null":
                return literal("null")
            case "boolean":
                return choice([literal("true"), literal("false")])
            case _:
                return number_of(schema, place, integers=name == "integer")

    def _object(self, schema: Schema, place: str) -> Expression:
        properties = _mapping(schema.get("properties", {}), f"{place}/properties")
        required = _names(schema.get("required", []), f"{place}/required")
        others = schema.get("additionalProperties", "properties" not in schema)
        absent = [name for name in required if name not in properties]
        if absent and others is False:
            refuse(f"{place}/required", f"names {absent[0]!r}", "a name that is among the properties")
        members = [
            (self._member(name, properties.get(name, others), f"{place}/properties/{name}"), name in required)
            for name in (*properties, *absent)
            if properties.get(name) is not False or name in required
        ]
        more: Rule | None = None
        if others is not False:
            key = key_other_than((*properties, *absent))
            other = self.value(others, f"{place}/additionalProperties")
            more = Rule(f"{place}/additionalProperties", chain(key, COLON, other))
        return chain("{", _members(members, more, place), "}")

    def _member(self, name: str, schema: object, place: str) -> Rule:
        return Rule(place, chain(value_literal(name), COLON, self.value(schema, place)))

    def _array(self, schema: Schema, place: str) -> Expression:
        least, most = count_of(schema, "minItems", place) or 0, count_of(schema, "maxItems", place)
        listed = array(schema["prefixItems"], f"{place}/prefixItems") if "prefixItems" in schema else []
        first = [self.value(item, f"{place}/prefixItems/{index}") for index, item in enumerate(listed[:most])]
        item: Rule | None = None
        if schema.get("items", True) is False:
            most = len(first)
        elif most is None or most > len(first):
            item = Rule(f"{place}/items", self.value(schema.get("items", True), f"{place}/items"))
        if most is not None and least > most:
            refuse(f"{place}/minItems", f"is {least}", f"at most {most}, as many as there can be")
        content = _items(item, least - len(first), None if most is None else most - len(first), bool(first))
        for index in reversed(range(len(first))):
            content = chain(COMMA, first[index], content) if index else chain(first[index], content)
            content = optional(content) if index >= least else content
        return chain("[", content, "]")


def _items(item: Rule | None, least: int, most: int | None, behind_others: bool) -> Expression:
    """So many of the same, with a comma before the first where others precede."""
    if item is None or most == 0:
        return EMPTY
    more = chain(COMMA, item)
    if behind_others:
        return Repeat(more, max(0, least), most)
    several = chain(item, Repeat(more, max(0, least - 1), None if most is None else most - 1))
    return several if least > 0 else optional(several)


def _members(members: list[tuple[Rule, bool]], other: Rule | None, place: str) -> Expression:
    """Members in order, those that are not required each there or not, commas between those that are."""
    first: Expression = EMPTY
    later: Expression = EMPTY
    if other:
        later = Repeat(chain(COMMA, other), 0, None)
        first = optional(chain(other, later))
    for member, is_required in reversed(members):
        # rules, so that many properties do not nest deep
        after = Rule(f"{place} after {member.name}", later)
        begins = chain(member, after)
        first = begins if is_required else choice([begins, Rule(f"{place} without {member.name}", first)])
        later = chain(COMMA, member, after) if is_required else chain(optional(chain(COMMA, member)), after)
    return first


def _types(schema: Schema, place: str) -> list[str]:
    """The types that are said or, without a word about them, those that the keywords speak of."""
    if "type" in schema:
        return types(schema["type"], place)
    return list(dict.fromkeys(_TYPE_OF_KEYWORD[keyword] for keyword in schema))


def _mapping(value: object, place: str) -> Mapping[str, object]:
    if not isinstance(value, Mapping):
        refuse(place, f"is {value!r:.80}", "an object")
    return cast("Mapping[str, object]", value)


def _names(value: object, place: str) -> list[str]:
    if not isinstance(value, list | tuple) or not all(isinstance(name, str) for name in value):
        refuse(place, f"is {value!r:.80}", "an array of names")
    return list(value)
