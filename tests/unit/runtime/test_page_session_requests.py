"""pagelm.page_session: what a request may ask for, and what is told before one."""

from __future__ import annotations

import json
from typing import Any

import pytest

from fakes import (
    CONTEXT_SIZE,
    VOCAB_SIZE,
    PausingBackend,
    Stepper,
    in_circles,
    model_on,
    run,
    scripted,
    successor,
)
from pagelm.errors import BackendError
from pagelm.page_session import PageSession
from pagelm.scripted import ScriptedBackend
from posted_page import Page, ask, request


def count(session: PageSession, **fields: Any) -> None:
    messages = [{"role": "user", "content": "2 + 2?"}]
    session.count(9, json.dumps({"messages": messages, "enableThinking": True, **fields}))


def test_tokens_are_counted_before_a_question_is_asked() -> None:
    page = Page()
    model = model_on(scripted())
    count(PageSession(model, page.post))
    tokens = model.count_tokens([{"role": "user", "content": "2 + 2?"}])
    assert page.last(9) == ("counted", {"tokens": tokens, "contextSize": CONTEXT_SIZE})


def test_tokens_are_counted_while_an_answer_runs() -> None:
    page = Page()
    session = PageSession(model_on(PausingBackend(successor, vocab_size=VOCAB_SIZE)), page.post)
    task = Stepper(session.generate(1, request(sampling={"temperature": 0, "maxNewTokens": 5})))
    task.step()
    count(session)
    assert page.last(9)[0] == "counted"
    task.finish()
    assert page.last(1)[0] == "done"


SYSTEM = {"role": "system", "content": "Be brief. " * 30}


def preface(**fields: Any) -> str:
    return json.dumps({"messages": [SYSTEM], "enableThinking": True, **fields})


def pausing() -> tuple[Page, PageSession, PausingBackend]:
    page, backend = Page(), PausingBackend(successor, vocab_size=VOCAB_SIZE, max_positions=CONTEXT_SIZE)
    return page, PageSession(model_on(backend), page.post), backend


def test_what_a_chat_begins_with_is_read_before_its_question() -> None:
    page = Page()
    backend = ScriptedBackend(in_circles, vocab_size=VOCAB_SIZE, max_positions=CONTEXT_SIZE)
    session = PageSession(model_on(backend), page.post)
    run(session.read_preface(7, preface()))
    assert page.last(7) == ("prefaceRead", {})
    asked = [SYSTEM, {"role": "user", "content": "2 + 2?"}]
    run(session.generate(1, request(messages=asked, sampling={"maxNewTokens": 5})))
    usage = page.last(1)[1]["usage"]
    assert usage["promptTokens"] - usage["cachedTokens"] < 30 < usage["cachedTokens"]


def test_a_question_leaves_what_is_read_ahead_at_its_next_piece() -> None:
    page, session, backend = pausing()
    reading = Stepper(session.read_preface(7, preface()))
    reading.step()
    answer = session.generate(1, request(sampling={"temperature": 0, "maxNewTokens": 5}))
    reading.finish()
    assert page.last(7) == ("prefaceRead", {})
    assert 0 < backend.length < 256  # one piece, of what had several
    Stepper(answer).finish()
    assert page.last(1)[0] == "done"


def test_nothing_is_read_ahead_while_an_answer_runs() -> None:
    page, session, _ = pausing()
    answer = Stepper(session.generate(1, request(sampling={"temperature": 0, "maxNewTokens": 5})))
    answer.step()
    run(session.read_preface(7, preface()))
    assert page.last(7) == ("prefaceRead", {})
    answer.finish()
    assert page.last(1)[0] == "done"


def test_a_session_that_is_closed_while_it_reads_ahead_lets_go_of_the_backend_then() -> None:
    _, session, backend = pausing()
    reading = Stepper(session.read_preface(7, preface()))
    reading.step()
    run(session.close())
    reading.finish()
    with pytest.raises(BackendError, match="closed"):
        Stepper(backend.prefill([1], backend.length)).finish()


def test_what_cannot_be_read_ahead_is_told_by_name() -> None:
    page = Page()
    session = PageSession(model_on(scripted()), page.post)
    too_long = [{"role": "system", "content": "x" * CONTEXT_SIZE}]
    for fields, name in (
        ({"messages": too_long}, "ContextOverflowError"),
        ({"messages": 1}, "ProtocolError"),
    ):
        run(session.read_preface(7, preface(**fields)))
        kind, payload = page.last(7)
        assert (kind, payload["error"]["name"]) == ("error", name)


@pytest.mark.parametrize(
    ("fields", "problem"),
    [({"messages": []}, "messages is empty"), ({"enableThinking": 1}, "enableThinking is a")],
)
def test_a_count_that_makes_no_sense_is_refused(fields: dict[str, Any], problem: str) -> None:
    page = Page()
    count(PageSession(model_on(scripted()), page.post), **fields)
    kind, payload = page.last(9)
    assert (kind, payload["error"]["name"]) == ("error", "ProtocolError")
    assert problem in payload["error"]["message"]


def long_chat() -> list[dict[str, str]]:
    roles = ("user", "assistant", "user", "assistant", "user")
    return [{"role": role, "content": "x" * 90} for role in roles]


def test_a_chat_that_is_too_long_is_refused_unless_its_oldest_turns_may_go() -> None:
    messages = [{"role": "user", "content": "x" * 400}, {"role": "assistant", "content": "y"}, *long_chat()]
    refused = ask(scripted("4."), request(messages=messages))
    assert refused.last()[1]["error"]["name"] == "ContextOverflowError"
    page = ask(scripted("4."), request(messages=messages, overflow="truncate-oldest-turns"))
    assert page.messages[0] == ("turnsDropped", 1, {"messages": 4})
    assert page.text("text") == "4."


def test_the_progress_of_a_long_prompt_is_posted() -> None:
    page = ask(scripted("4."), request("x" * 300))
    kinds = [kind for kind, _, _ in page.messages]
    assert kinds[:3] == ["prefill", "prefill", "text"]
    assert page.messages[0][2]["readTokens"] == 128


def test_guesses_may_be_switched_on() -> None:
    def model_says(**options: object) -> tuple[str, int]:
        backend = ScriptedBackend(in_circles, vocab_size=VOCAB_SIZE, max_positions=512, verify_tokens=8)
        page = ask(backend, request(sampling={"maxNewTokens": 40}, enableThinking=False, **options))
        return page.text("text"), page.last()[1]["usage"]["steps"]

    said, steps = model_says(promptLookup=True)
    assert model_says() == model_says(promptLookup=False) == (said, 39)
    assert steps < 20


def test_a_switch_that_is_none_is_refused() -> None:
    error = ask(scripted("4."), request(promptLookup="no")).last()[1]["error"]
    assert "promptLookup is a string (expected true or false)" in error["message"]


def test_an_unknown_overflow_policy_is_refused() -> None:
    error = ask(scripted("4."), request(overflow="forget")).last()[1]["error"]
    assert "overflow is 'forget'" in error["message"]


def test_an_answer_has_the_form_that_is_asked_for() -> None:
    schema = {"type": "array", "items": {"const": 4}, "minItems": 1, "maxItems": 1}
    as_json = {"type": "json_schema", "schema": schema}
    page = ask(scripted("4."), request(enableThinking=False, responseFormat=as_json))
    assert page.text("text") == "[4]"
    as_pattern = {"type": "regex", "pattern": "[0-9]!"}
    page = ask(scripted("4."), request(enableThinking=False, responseFormat=as_pattern))
    assert page.text("text") == "4!"


@pytest.mark.parametrize(
    ("response_format", "name", "problem"),
    [
        ("json", "ProtocolError", "responseFormat is a string"),
        ({"type": "xml"}, "ProtocolError", "responseFormat.type is 'xml'"),
        ({"type": "json_schema"}, "ProtocolError", "responseFormat.schema is missing"),
        ({"type": "json_schema", "schema": []}, "ProtocolError", "responseFormat.schema is an array"),
        ({"type": "regex", "pattern": 4}, "ProtocolError", "responseFormat.pattern is a number"),
        ({"type": "regex", "pattern": "(?=a)"}, "GrammarError", "a lookahead"),
        ({"type": "json_schema", "schema": {"not": {}}}, "GrammarError", "#/not is not supported"),
    ],
)
def test_a_form_that_cannot_be_is_refused(response_format: object, name: str, problem: str) -> None:
    error = ask(scripted("4."), request(responseFormat=response_format)).last()[1]["error"]
    assert error["name"] == name
    assert problem in error["message"]


def check_format(response_format: object) -> tuple[str, dict[str, Any]]:
    page = Page()
    session = PageSession(model_on(scripted("4.")), page.post)
    session.check_format(1, json.dumps({"responseFormat": response_format}))
    return page.last()


def test_a_form_is_checked_before_anything_is_asked() -> None:
    assert check_format({"type": "regex", "pattern": "[0-9]+"}) == ("formatChecked", {})
    kind, payload = check_format({"type": "json_schema", "schema": {"not": {}}})
    assert (kind, payload["error"]["name"]) == ("error", "GrammarError")
    assert "#/not is not supported" in payload["error"]["message"]
