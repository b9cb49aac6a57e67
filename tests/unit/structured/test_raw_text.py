"""A form for raw text: all of what `generate` says follows it, and no tag means anything."""

from __future__ import annotations

import json
from collections.abc import Sequence

import pytest

from fakes import END_THINK, THINK, VOCAB_SIZE, RecordingBackend, collect, digest, model_on, run
from pagelm.errors import GrammarError
from pagelm.events import Done, ReplyEvent, TextDelta
from pagelm.response_format import JsonSchema, Pattern
from pagelm.sampling_options import SamplingOptions

GREEDY = SamplingOptions(temperature=0.0)


def generate(next_token: object, prompt: str, **options: object) -> list[ReplyEvent]:
    backend = RecordingBackend(next_token, vocab_size=VOCAB_SIZE)
    return run(collect(model_on(backend).generate(prompt, **options)))  # type: ignore[arg-type]  # options of several types


def text(events: Sequence[ReplyEvent]) -> str:
    return "".join(event.text for event in events if isinstance(event, TextDelta))


@pytest.mark.parametrize("seed", range(4))
def test_new_text_is_of_the_schema(seed: int) -> None:
    schema = JsonSchema({"type": "object", "properties": {"sum": {"type": "integer"}}, "required": ["sum"]})
    events = generate(digest, "As JSON: ", response_format=schema, sampling=SamplingOptions(seed=seed))
    assert list(json.loads(text(events))) == ["sum"]
    assert isinstance(events[-1], Done)
    assert events[-1].finish_reason == "stop"


@pytest.mark.parametrize("wanted", [THINK, END_THINK])
def test_no_tag_frees_the_text(wanted: int) -> None:
    events = generate(lambda ids: wanted, "a", response_format=Pattern("yes|no"), sampling=GREEDY)
    assert text(events) in ("yes", "no")


def test_a_prompt_that_opens_reasoning_does_not_free_the_text() -> None:
    events = generate(
        lambda ids: ord("7"),
        "<think>",
        response_format=Pattern("[78]{3}"),
        sampling=GREEDY,
        allow_special=True,
    )
    assert text(events) == "777"


def test_a_form_that_is_not_supported_is_refused_before_anything_runs() -> None:
    backend = RecordingBackend(digest, vocab_size=VOCAB_SIZE)
    with pytest.raises(GrammarError, match="#/not is not supported"):
        run(collect(model_on(backend).generate("abc", response_format=JsonSchema({"not": {}}))))
    assert backend.calls == []
