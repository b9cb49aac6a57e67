"""A JSON Schema read with care: references followed, what `allOf` and siblings say joined, the rest refused.

What comes out of here has keywords that `json_schema` understands and no `$ref` or `allOf` on its top level.
Knows the vocabulary of draft 2020-12; what is not supported is refused by name and place, never ignored.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NoReturn, TypeAlias, cast
from urllib.parse import unquote

from pagelm.errors import GrammarError

Schema: TypeAlias = Mapping[str, object]

_ANNOTATIONS = """
    $schema $id $comment title description default example examples deprecated readOnly writeOnly
    contentEncoding contentMediaType discriminator $defs definitions
"""
_ASSERTIONS = """
    type enum const anyOf oneOf properties required additionalProperties items prefixItems minItems maxItems
    minLength maxLength pattern format minimum maximum exclusiveMinimum exclusiveMaximum
"""
ANNOTATIONS = frozenset(_ANNOTATIONS.split())
ASSERTIONS = frozenset(_ASSERTIONS.split())
JOINTS = frozenset(("$ref", "allOf"))
MAX_JOINED = 64
_GREATER = frozenset(("minimum", "exclusiveMinimum", "minLength", "minItems"))
_LESS = frozenset(("maximum", "exclusiveMaximum", "maxLength", "maxItems"))


def refuse(place: str, problem: str, expected: str, remedy: str = "Change the schema.") -> NoReturn:
    """Raise GrammarError for something at a place of the schema, as a JSON pointer (`#/properties/name`)."""
    raise GrammarError(f"the schema's {place} {problem}", expected=expected, remedy=remedy)


class SchemaReader:
    """Of one document.

    Args:
        document: The whole schema; references are looked up in it.
    """

    def __init__(self, document: object) -> None:
        self._document = document

    def read(self, schema: object, place: str, following: tuple[str, ...] = ()) -> Schema | bool:
        """A schema's assertions with its references followed and its `allOf` joined; True and False as they
        are, and True for one that asserts nothing."""
        if isinstance(schema, bool):
            return schema
        own = self._checked(schema, place)
        read: list[Schema | bool] = [{key: own[key] for key in own if key in ASSERTIONS}]
        if "$ref" in own:
            pointer = self.pointer(own, place)
            if pointer in following or len(following) > MAX_JOINED:
                refuse(place, f"refers to {pointer}, which is itself", "a reference to something else")
            read.append(self.read(self.look_up(pointer, place), pointer, (*following, pointer)))
        if "allOf" in own:
            options = array(own["allOf"], f"{place}/allOf")
            read += [
                self.read(option, f"{place}/allOf/{index}", following) for index, option in enumerate(options)
            ]
        joined = read[0]
        for part in read[1:]:
            joined = join(joined, part, place)
        return joined or (True if isinstance(joined, Mapping) else joined)

    def plain_reference(self, schema: object, place: str) -> str | None:
        """What a schema that is nothing but a reference refers to."""
        if not isinstance(schema, Mapping) or "$ref" not in schema:
            return None
        if self._checked(schema, place).keys() & (ASSERTIONS | JOINTS) != {"$ref"}:
            return None
        return self.pointer(schema, place)

    def pointer(self, schema: Schema, place: str) -> str:
        reference = schema["$ref"]
        if not isinstance(reference, str) or (reference != "#" and not reference.startswith("#/")):
            refuse(f"{place}/$ref", f"is {reference!r:.80}", "a place in this schema, such as #/$defs/name")
        return reference

    def look_up(self, pointer: str, place: str) -> object:
        """The schema at a place of the document."""
        found = self._document
        for part in pointer.split("/")[1:]:
            key = unquote(part).replace("~1", "/").replace("~0", "~")
            if isinstance(found, Mapping) and key in found:
                found = found[key]
            elif isinstance(found, list) and key.isascii() and key.isdigit() and int(key) < len(found):
                found = found[int(key)]
            else:
                refuse(f"{place}/$ref", f"is {pointer!r:.80}, which is not there", "a place in this schema")
        return found

    def _checked(self, schema: object, place: str) -> Schema:
        if not isinstance(schema, Mapping):
            refuse(place, f"is {schema!r:.80}", "a schema: an object, true or false")
        for key in schema:
            is_default = key == "uniqueItems" and schema[key] is False
            if not is_default and key not in ANNOTATIONS | ASSERTIONS | JOINTS:
                refuse(
                    f"{place}/{key}",
                    "is not supported",
                    ", ".join(sorted(ASSERTIONS | JOINTS)),
                    "Leave it out, and check for it in the answer.",
                )
        return cast("Schema", schema)


def join(left: Schema | bool, right: Schema | bool, place: str) -> Schema | bool:
    """What both say, as one schema."""
    if isinstance(left, bool) or isinstance(right, bool):
        return left and right if isinstance(left, bool) else right and left
    _check_closed(left, right, place)
    _check_closed(right, left, place)
    joined = dict(left)
    for key, value in right.items():
        joined[key] = (
            value if key not in left or left[key] == value else _join_key(key, left[key], value, place)
        )
    return joined


def _join_key(key: str, left: object, right: object, place: str) -> object:
    if key == "type":
        return _common_types(types(left, place), types(right, place), place)
    if key == "enum":
        return [value for value in array(left, place) if value in array(right, place)]
    if key == "required":
        return [
            *array(left, place),
            *(name for name in array(right, place) if name not in array(left, place)),
        ]
    if key == "properties" and isinstance(left, Mapping) and isinstance(right, Mapping):
        both = {name: {"allOf": [left[name], right[name]]} for name in left if name in right}
        return {**left, **right, **both}
    if key == "items":
        return {"allOf": [left, right]}
    if isinstance(left, int | float) and isinstance(right, int | float):
        if key in _GREATER:
            return max(left, right)
        if key in _LESS:
            return min(left, right)
    refuse(f"{place}/{key}", "is said twice, by allOf or beside $ref or anyOf", "one of the two")


def _check_closed(left: Schema, right: Schema, place: str) -> None:
    """`additionalProperties` holds for the properties beside it alone, which a joined schema cannot say."""
    if left.get("additionalProperties", True) is True:
        return
    known, others = (cast("Mapping[str, object]", side.get("properties", {})) for side in (left, right))
    if any(name not in known for name in others):
        refuse(f"{place}/additionalProperties", "is joined with other properties", "it in neither part")


def types(value: object, place: str) -> list[str]:
    """The value of `type` as a list."""
    names = [value] if isinstance(value, str) else value
    known = ("object", "array", "string", "number", "integer", "boolean", "null")
    if not isinstance(names, list) or not names or any(name not in known for name in names):
        refuse(f"{place}/type", f"is {value!r:.80}", "one or several of " + ", ".join(known))
    return names


def _common_types(left: list[str], right: list[str], place: str) -> list[str]:
    common = [name for name in left if name in right or (name == "integer" and "number" in right)]
    common += [name for name in right if name == "integer" and "number" in left and name not in common]
    if not common:
        refuse(f"{place}/type", f"is {left} and {right} at once", "types that have one in common")
    return common


def array(value: object, place: str) -> list[object]:
    """The value, which must be an array with something in it."""
    if not isinstance(value, list | tuple) or not value:
        refuse(place, f"is {value!r:.80}", "an array with something in it")
    return list(value)
