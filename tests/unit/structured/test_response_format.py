"""Replies in a form: the answer follows it, reasoning and calls do not, and it ends where it has to."""

from __future__ import annotations

import json
from collections.abc import Sequence

import pytest

from fakes import (
    END_OF_TEXT,
    END_THINK,
    IM_END,
    THINK,
    VOCAB_SIZE,
    RecordingBackend,
    collect,
    digest,
    model_on,
    reply_ids,
    run,
    scripted,
)
from pagelm.errors import GrammarError
from pagelm.events import Done, ReasoningDelta, ReplyEvent, TextDelta
from pagelm.response_format import JsonSchema, Pattern, ResponseFormat
from pagelm.sampling_options import SamplingOptions
from pagelm.scripted import ScriptedBackend

QUESTION = [{"role": "user", "content": "What?"}]
SUM = JsonSchema({"type": "object", "properties": {"sum": {"type": "integer"}}, "required": ["sum"]})
GREEDY = SamplingOptions(temperature=0.0)


def ask(
    backend: ScriptedBackend, response_format: ResponseFormat | None, **options: object
) -> list[ReplyEvent]:
    reply = model_on(backend).reply(QUESTION, response_format=response_format, **options)  # type: ignore[arg-type]
    return run(collect(reply))


def texts(events: list[ReplyEvent]) -> tuple[str, str]:
    """Reasoning and answer."""
    said = {
        kind: "".join(event.text for event in events if type(event) is kind)
        for kind in (ReasoningDelta, TextDelta)
    }
    return said[ReasoningDelta], said[TextDelta]


def done(events: list[ReplyEvent]) -> Done:
    assert isinstance(events[-1], Done)
    return events[-1]


def saying(text: str) -> RecordingBackend:
    """A model that wants to say this, whatever it is made to say between."""
    script = reply_ids(text)
    starts: list[int] = []

    def next_token(token_ids: Sequence[int]) -> int:
        starts.append(len(token_ids))
        return script[min(len(token_ids) - starts[0], len(script) - 1)]

    return RecordingBackend(next_token, vocab_size=VOCAB_SIZE)


def tokens_run(backend: RecordingBackend) -> list[int]:
    """What was run behind the prompt, token by token or several at once."""
    calls = [call[1] for call in backend.calls if call[0] in ("prefill", "decode")][1:]
    return [token_id for call in calls for token_id in (call if isinstance(call, tuple) else (call,))]


def chatter(token_ids: Sequence[int]) -> int:
    """A model that wants to say anything, the end included."""
    return digest(token_ids)


@pytest.mark.parametrize("seed", range(8))
def test_whatever_the_model_wants_to_say_the_answer_is_of_the_schema(seed: int) -> None:
    events = ask(
        RecordingBackend(chatter, vocab_size=VOCAB_SIZE),
        SUM,
        sampling=SamplingOptions(seed=seed),
        enable_thinking=False,
    )
    assert list(json.loads(texts(events)[1])) == ["sum"]
    assert done(events).finish_reason == "stop"


def test_a_model_that_says_the_right_thing_is_left_alone() -> None:
    answer = '{"sum": 42}'
    events = ask(saying(answer), SUM, sampling=GREEDY)
    assert texts(events) == ("", answer)


def test_an_answer_that_is_complete_ends_without_asking_the_model_again() -> None:
    backend = RecordingBackend(lambda ids: ord("7"), vocab_size=VOCAB_SIZE)
    events = ask(backend, Pattern("[67]{3}"), sampling=GREEDY, enable_thinking=False)
    assert texts(events)[1] == "777"
    assert done(events).finish_reason == "stop"
    assert [call for call in backend.calls if call[0] == "decode"] == [("decode", ord("7"))] * 2


def test_an_answer_that_fills_its_limit_to_the_last_token_is_whole() -> None:
    assert (
        done(ask(scripted("777"), Pattern("7{3}"), max_new_tokens=3, enable_thinking=False)).finish_reason
        == "stop"
    )


def test_an_answer_that_its_limit_cuts_says_so() -> None:
    events = ask(scripted('{"sum": 42}'), SUM, max_new_tokens=6, sampling=GREEDY, enable_thinking=False)
    assert texts(events)[1] == '{"sum"'
    assert done(events).finish_reason == "length"


def test_what_can_go_on_ends_where_the_model_ends_it() -> None:
    assert texts(ask(scripted("123"), Pattern(r"\d+"), sampling=GREEDY))[1] == "123"


def test_an_answer_does_not_end_before_it_is_whole() -> None:
    backend = RecordingBackend(lambda ids: IM_END, vocab_size=VOCAB_SIZE)
    events = ask(backend, Pattern("(?:ab){2}"), sampling=GREEDY, enable_thinking=False)
    assert texts(events)[1] == "abab"


def test_what_has_to_be_said_takes_no_logits_and_one_run() -> None:
    backend = RecordingBackend(lambda ids: ord("x"), vocab_size=VOCAB_SIZE)
    events = ask(backend, Pattern("forced [ab]+"), sampling=GREEDY, enable_thinking=False, max_new_tokens=8)
    assert texts(events)[1] == "forced a"
    # the last token of what is forced may be part of a longer one, so it is chosen: of one
    assert backend.calls[2:] == [("prefill", tuple(b"forced")), ("decode", ord(" ")), ("logits",)]


def test_reasoning_is_free_and_the_answer_follows_two_newlines() -> None:
    script = '<think>\nfree {\n</think>\n\n{"sum": 1}'
    events = ask(saying(script), SUM, sampling=GREEDY)
    assert texts(events) == ("free {", '{"sum": 1}')


def test_a_model_that_forgets_the_newlines_is_given_them() -> None:
    def forgets(token_ids: Sequence[int]) -> int:
        return {THINK: ord("h"), ord("h"): END_THINK}.get(
            token_ids[-1], ord("7") if END_THINK in token_ids else THINK
        )

    backend = RecordingBackend(forgets, vocab_size=VOCAB_SIZE)
    events = ask(backend, Pattern("7"), sampling=GREEDY)
    assert texts(events) == ("h", "7")
    assert tokens_run(backend) == [THINK, ord("h"), END_THINK, ord("\n"), ord("\n")]


def test_a_reply_does_not_end_inside_its_reasoning() -> None:
    def gives_up(token_ids: Sequence[int]) -> int:
        return THINK if THINK not in token_ids else END_OF_TEXT

    backend = RecordingBackend(gives_up, vocab_size=VOCAB_SIZE)
    events = ask(backend, Pattern("yes"), sampling=SamplingOptions(seed=1), thinking_budget=5)
    assert texts(events)[1] == "yes"
    assert done(events).usage.reasoning_cut


def test_without_thinking_the_reply_does_not_open_any() -> None:
    backend = RecordingBackend(lambda ids: THINK, vocab_size=VOCAB_SIZE)
    assert texts(ask(backend, Pattern("yes"), sampling=GREEDY, enable_thinking=False)) == ("", "yes")


def test_tags_are_not_said_inside_an_answer() -> None:
    backend = RecordingBackend(lambda ids: END_THINK, vocab_size=VOCAB_SIZE)
    events = ask(
        backend, JsonSchema({"type": "string", "minLength": 3, "maxLength": 3}), enable_thinking=False
    )
    assert len(json.loads(texts(events)[1])) == 3
    assert END_THINK not in [call[1] for call in backend.calls if call[0] == "decode"]


def test_the_same_seed_gives_the_same_answer_whatever_k_is() -> None:
    answers = set()
    for candidates in (8, 64, VOCAB_SIZE):
        backend = RecordingBackend(chatter, vocab_size=VOCAB_SIZE, candidates=candidates)
        options = SamplingOptions(seed=3, temperature=1.5, presence_penalty=0.5)
        events = ask(
            backend,
            JsonSchema({"type": "array", "items": {"type": "integer"}, "minItems": 3}),
            sampling=options,
        )
        answers.add(texts(events))
    assert len(answers) == 1


def test_bias_and_penalties_hold_for_what_is_allowed() -> None:
    backend = RecordingBackend(lambda ids: ord("x"), vocab_size=VOCAB_SIZE)
    options = SamplingOptions(temperature=0.0, logit_bias={ord("b"): 3.0}, frequency_penalty=2.0)
    events = ask(backend, Pattern("[abc]{3}"), sampling=options, enable_thinking=False)
    assert texts(events)[1] == "bba"  # b at 3, at 1, at -1 after that; a and c at 0


@pytest.mark.parametrize(
    ("response_format", "problem"),
    [
        (JsonSchema({"not": {}}), "#/not is not supported"),
        (JsonSchema({"const": {1, 2}}), "the schema is no JSON"),
        (JsonSchema(json.loads('{"items":' * 70 + "true" + "}" * 70)), "nests deeper than 64"),
        (Pattern(r"(a)\1"), "a back reference"),
        (Pattern("[^\\d\\D]"), "allows no text at all"),
    ],
)
def test_a_form_that_is_not_supported_is_refused_before_anything_runs(
    response_format: ResponseFormat, problem: str
) -> None:
    backend = RecordingBackend(chatter, vocab_size=VOCAB_SIZE)
    with pytest.raises(GrammarError, match=problem):
        ask(backend, response_format)
    assert backend.calls == []


def test_formats_are_values() -> None:
    assert Pattern("a") == Pattern("a")
    assert JsonSchema({"type": "null"}) == JsonSchema({"type": "null"})
    assert JsonSchema({"type": "null"}) != JsonSchema({"type": "string"})


def test_a_schema_that_changes_later_is_another_schema() -> None:
    schema: dict[str, object] = {"const": "a"}
    model = model_on(RecordingBackend(chatter, vocab_size=VOCAB_SIZE))

    def answer() -> str:
        return texts(
            run(collect(model.reply(QUESTION, response_format=JsonSchema(schema), enable_thinking=False)))
        )[1]

    assert answer() == '"a"'
    schema["const"] = "b"
    assert answer() == '"b"'
