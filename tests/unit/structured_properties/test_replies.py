"""For any schema, model, mode and sampling: what a reply says is of the schema, or the beginning of it."""

from __future__ import annotations

import json
from typing import Any

from hypothesis import HealthCheck, event, given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from fakes import VOCAB_SIZE, RecordingBackend, collect, digest, model_on, run
from pagelm.events import Done, TextDelta
from pagelm.response_format import JsonSchema
from pagelm.sampling_options import SamplingOptions
from pagelm.structured.json_schema import compile_schema
from unit.structured.texts import automaton_of
from unit.structured_properties.schemas import SCHEMAS

# A busy machine is no failure.
patient = settings(deadline=None, max_examples=60, suppress_health_check=list(HealthCheck))
QUESTION = [{"role": "user", "content": "What?"}]


@patient
@given(
    SCHEMAS,
    st.integers(0, 2**16),
    st.builds(
        SamplingOptions,
        temperature=st.sampled_from([0.0, 0.7, 20.0]),
        top_k=st.sampled_from([1, 20, 0]),
        top_p=st.sampled_from([0.8, 1.0]),
        seed=st.integers(0, 2**16),
        frequency_penalty=st.sampled_from([0.0, 2.0]),
    ),
    st.booleans(),
    st.sampled_from([4, 64, VOCAB_SIZE]),
)
def test_an_answer_is_of_its_schema(
    pair: tuple[Any, Any], salt: int, sampling: SamplingOptions, thinks: bool, candidates: int
) -> None:
    schema = pair[0]
    backend = RecordingBackend(
        lambda token_ids: digest([salt, *token_ids]), vocab_size=VOCAB_SIZE, candidates=candidates
    )
    reply = model_on(backend).reply(
        QUESTION,
        response_format=JsonSchema(schema),
        sampling=sampling,
        enable_thinking=thinks,
        max_new_tokens=150,
        thinking_budget=10,
    )
    events = run(collect(reply))
    done = events[-1]
    assert isinstance(done, Done)
    text = "".join(piece.text for piece in events if isinstance(piece, TextDelta))
    event(done.finish_reason)
    if done.finish_reason == "stop":
        Draft202012Validator(schema).validate(json.loads(text))
    else:
        automaton = automaton_of(compile_schema(schema))
        # what is cut may end inside a character
        assert automaton.read(automaton.start(), text.removesuffix("\ufffd").encode()) is not None
