"""For any schema: every text that the automaton accepts is JSON of it, and every instance is accepted."""

from __future__ import annotations

import json
from random import Random
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from pagelm.structured.json_schema import compile_schema
from unit.structured.texts import automaton_of, fits, random_text
from unit.structured_properties.schemas import SCHEMAS, compact_json

# A busy machine is no failure.
patient = settings(deadline=None, max_examples=100, suppress_health_check=list(HealthCheck))


@patient
@given(SCHEMAS, st.integers(0, 2**32))
def test_what_is_accepted_is_valid(pair: tuple[Any, Any], seed: int) -> None:
    schema = pair[0]
    automaton = automaton_of(compile_schema(schema))
    validator = Draft202012Validator(schema)
    random = Random(seed)
    for _ in range(4):
        text = random_text(automaton, random).decode()
        validator.validate(json.loads(text))


@patient
@given(SCHEMAS, st.data())
def test_what_is_valid_is_accepted(pair: tuple[Any, Any], data: st.DataObject) -> None:
    schema, instances = pair
    automaton = automaton_of(compile_schema(schema))
    for _ in range(3):
        text = data.draw(compact_json(data.draw(instances)))
        assert fits(automaton, text), text


@patient
@given(SCHEMAS, SCHEMAS, st.data())
def test_what_is_accepted_of_another_schema_is_valid_of_this_one(
    pair: tuple[Any, Any], other: tuple[Any, Any], data: st.DataObject
) -> None:
    """Instances of the other one are mostly none of this one: a wall that lets nothing wrong through."""
    automaton = automaton_of(compile_schema(pair[0]))
    value = data.draw(other[1])
    if fits(automaton, data.draw(compact_json(value))):
        Draft202012Validator(pair[0]).validate(value)
