"""Answers in a form, in Chromium: of the schema, as on CPython, and refused by name where they cannot be."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

import pytest
from jsonschema import Draft202012Validator
from playwright.sync_api import Error

from browser.native_graph import NATIVE_GRAPH
from browser.threads import in_a_thread
from pagelm import JsonSchema, LanguageModel, SamplingOptions, TextDelta
from pagelm_builder.verify.model_client import ModelClient

MESSAGES = [{"role": "user", "content": "What is 27 + 38?"}]
# pico has never seen JSON: that makes it say what a constraint has to prevent
SCHEMA = {
    "type": "object",
    "properties": {
        "terms": {"type": "array", "items": {"type": "integer", "maximum": 99}, "minItems": 2, "maxItems": 2},
        "sum": {"type": "string", "maxLength": 8},
    },
    "required": ["terms", "sum"],
}


@pytest.mark.parametrize("sampling", [None, {"temperature": 1.5, "topK": 0, "topP": 1, "seed": 5}])
def test_an_answer_is_of_the_schema_and_the_one_that_cpython_gives(
    model: ModelClient, exact_pico: Path, sampling: Mapping[str, float] | None
) -> None:
    asked = {"type": "json_schema", "schema": SCHEMA}
    reply = model.reply(MESSAGES, enable_thinking=True, sampling=sampling, response_format=asked)
    assert reply.finish_reason == "stop"
    Draft202012Validator(SCHEMA).validate(json.loads(reply.text))
    options = (
        SamplingOptions(temperature=1.5, top_k=0, top_p=1, seed=5)
        if sampling
        else SamplingOptions(temperature=0)
    )

    async def say() -> str:
        native = await LanguageModel.load(exact_pico, graph=NATIVE_GRAPH[model.backend])
        replies = native.reply(
            MESSAGES, enable_thinking=True, sampling=options, response_format=JsonSchema(SCHEMA)
        )
        return "".join([event.text async for event in replies if isinstance(event, TextDelta)])

    assert reply.text == in_a_thread(say())


def test_an_answer_that_fits_a_pattern_is_right_too(model: ModelClient) -> None:
    asked = {"type": "regex", "pattern": r"27 \+ 38 = [0-9]{2}!"}
    reply = model.reply(MESSAGES, enable_thinking=True, response_format=asked)
    assert reply.text == "27 + 38 = 65!"
    assert "Ones 7+8=15" in reply.reasoning


def test_what_is_not_supported_is_refused_and_the_model_goes_on(model: ModelClient) -> None:
    asked = {"type": "json_schema", "schema": {"not": {}}}
    with pytest.raises(Error, match="#/not is not supported"):
        model.reply(MESSAGES, enable_thinking=False, response_format=asked)
    assert model.reply(MESSAGES, enable_thinking=True).text == "27 + 38 = 65"
