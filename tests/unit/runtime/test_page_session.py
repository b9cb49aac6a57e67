"""pagelm.page_session: what the worker calls, message by message."""

from __future__ import annotations

import json
import re
import sys
from types import ModuleType
from typing import Any

import pytest

from fakes import (
    CHAT_TEMPLATE,
    CONTEXT_SIZE,
    VOCAB_SIZE,
    FailingBackend,
    PausingBackend,
    Stepper,
    manifest_value,
    model_on,
    reply_ids,
    run,
    scripted,
    successor,
    tokenizer_bytes,
)
from pagelm.page_session import PageSession, open_session, open_session_on
from pagelm.scripted import ScriptedBackend
from posted_page import Page, ask, request


def test_reasoning_then_text_then_done() -> None:
    page = ask(scripted("<think>\nhm\n</think>\n\n4."), request())
    assert (page.text("reasoning"), page.text("text")) == ("hm", "4.")
    assert page.last()[0] == "done"
    assert page.last()[1]["finishReason"] == "stop"


def test_usage_has_the_keys_of_the_protocol() -> None:
    usage = ask(scripted("4."), request(sampling={"seed": 5})).last()[1]["usage"]
    assert set(usage) == {
        "promptTokens",
        "cachedTokens",
        "reasoningTokens",
        "answerTokens",
        "prefillMs",
        "decodeMs",
        "contextUsed",
        "contextSize",
        "keyValueBytes",
        "seed",
        "reasoningCut",
        "steps",
        "replayedTokens",
    }
    assert (usage["answerTokens"], usage["contextSize"], usage["seed"]) == (2, CONTEXT_SIZE, 5)


def test_a_token_is_posted_before_the_next_is_run() -> None:
    page = Page()
    script = iter(reply_ids("abc"))
    backend = PausingBackend(lambda _: next(script), vocab_size=VOCAB_SIZE, max_positions=CONTEXT_SIZE)
    task = Stepper(PageSession(model_on(backend), page.post).generate(1, request()))
    shown = []
    while not task.finished:
        task.step()
        shown.append(page.text("text"))
    assert shown == ["", "a", "ab", "abc", "abc"]


def test_every_sampling_option_arrives() -> None:
    page = Page()
    model = model_on(scripted("abcdef"))
    generate = model.engine.generate
    seen: dict[str, Any] = {}

    def record(*args: Any, **options: Any) -> Any:
        seen.update(options)
        return generate(*args, **options)

    model.engine.generate = record  # type: ignore[method-assign]
    sampling = {"temperature": 0.5, "topK": 7, "topP": 0.75, "minP": 0.125, "seed": 11, "maxNewTokens": 5}
    sampling |= {"repetitionPenalty": 1.1, "presencePenalty": 1.5, "frequencyPenalty": -0.5}
    sampling |= {"logitBias": {"7": -100}}
    run(PageSession(model, page.post).generate(1, request(sampling=sampling)))
    options = seen["sampling"]
    assert (options.temperature, options.top_k, options.top_p) == (0.5, 7, 0.75)
    assert (options.min_p, options.seed, seen["max_new_tokens"]) == (0.125, 11, 5)
    assert page.last()[1]["finishReason"] == "length"


def test_cancel_ends_within_one_token() -> None:
    page = Page()
    session = PageSession(model_on(PausingBackend(successor, vocab_size=VOCAB_SIZE)), page.post)
    task = Stepper(session.generate(1, request(sampling={"temperature": 0})))
    for _ in range(7):
        task.step()
    before = page.text("text")
    assert before
    session.cancel(1)
    task.step()
    assert task.finished
    assert page.text("text") == before
    assert page.last()[1]["finishReason"] == "abort"


def test_cancel_right_after_generate_ends_it_before_anything_is_run() -> None:
    page = Page()
    backend = PausingBackend(successor, vocab_size=VOCAB_SIZE)
    session = PageSession(model_on(backend), page.post)
    answer = session.generate(1, request(sampling={"temperature": 0, "maxNewTokens": 5}))
    session.cancel(1)
    Stepper(answer).finish()
    assert [(kind, payload["finishReason"]) for kind, _, payload in page.messages] == [("done", "abort")]
    assert not backend.prefilled()


def test_a_second_request_right_after_the_first_is_refused() -> None:
    page = Page()
    session = PageSession(model_on(scripted("4.")), page.post)
    first, second = session.generate(1, request()), session.generate(2, request())
    run(second)
    run(first)
    assert page.last(2)[1]["error"]["name"] == "BusyError"
    assert page.last(1)[1]["finishReason"] == "stop"


def test_close_right_after_generate_ends_it_and_closes_the_backend() -> None:
    page = Page()
    backend = PausingBackend(successor, vocab_size=VOCAB_SIZE)
    session = PageSession(model_on(backend), page.post)
    answer = session.generate(1, request())
    run(session.close())
    Stepper(answer).finish()
    assert page.last()[1]["finishReason"] == "abort"
    assert backend.closed


def test_cancel_of_another_id_changes_nothing() -> None:
    page = Page()
    session = PageSession(model_on(PausingBackend(successor, vocab_size=VOCAB_SIZE)), page.post)
    task = Stepper(session.generate(1, request(sampling={"temperature": 0, "maxNewTokens": 5})))
    task.step()
    session.cancel(2)
    task.finish()
    assert page.last()[1]["finishReason"] == "length"


def test_cancel_of_what_has_ended_changes_nothing() -> None:
    page = Page()
    session = PageSession(model_on(scripted("4.", "5.")), page.post)
    run(session.generate(1, request()))
    session.cancel(1)
    run(session.generate(2, request()))
    assert page.last(2)[1]["finishReason"] == "stop"


def test_after_a_cancel_the_next_request_is_answered() -> None:
    page = Page()
    session = PageSession(model_on(PausingBackend(successor, vocab_size=VOCAB_SIZE)), page.post)
    task = Stepper(session.generate(1, request(sampling={"temperature": 0})))
    for _ in range(4):
        task.step()
    session.cancel(1)
    task.finish()
    Stepper(session.generate(2, request(sampling={"temperature": 0, "maxNewTokens": 5}))).finish()
    assert page.last(2)[1]["finishReason"] == "length"


def test_a_second_request_meanwhile_is_refused_and_the_first_goes_on() -> None:
    page = Page()
    session = PageSession(model_on(PausingBackend(successor, vocab_size=VOCAB_SIZE)), page.post)
    first = Stepper(session.generate(1, request(sampling={"temperature": 0, "maxNewTokens": 5})))
    first.step()
    run(session.generate(2, request()))
    assert page.last(2)[0] == "error"
    assert page.last(2)[1]["error"]["name"] == "BusyError"
    assert page.last(2)[1]["error"]["message"].startswith("request 1 is still being answered")
    first.finish()
    assert page.last(1)[1]["finishReason"] == "length"


def test_after_a_refused_request_the_first_can_still_be_cancelled() -> None:
    page = Page()
    session = PageSession(model_on(PausingBackend(successor, vocab_size=VOCAB_SIZE)), page.post)
    first = Stepper(session.generate(1, request(sampling={"temperature": 0})))
    first.step()
    run(session.generate(2, request()))
    session.cancel(1)
    first.finish()
    assert page.last(1)[1]["finishReason"] == "abort"


def test_an_error_has_name_message_and_detail() -> None:
    kind, payload = ask(scripted("4."), request("x" * CONTEXT_SIZE)).last()
    error = payload["error"]
    assert (kind, error["name"]) == ("error", "ContextOverflowError")
    assert "the prompt has" in error["message"]
    assert "Shorten" in error["message"]
    assert "Traceback" in error["detail"]


def test_a_failure_nobody_foresaw_reaches_the_page() -> None:
    kind, payload = ask(FailingBackend(successor, fails_at=2, vocab_size=VOCAB_SIZE), request()).last()
    assert (kind, payload["error"]["name"]) == ("error", "RuntimeError")
    assert payload["error"]["message"] == "device lost"


def test_a_reply_that_is_resumed_goes_on_behind_what_was_posted() -> None:
    """On another worker, from the ids that the first one's messages told."""
    script = "<think>\nhm\n</think>\n\n4 or é."
    whole = ask(scripted(script), request(sampling={"seed": 3}))
    for heard in range(len(whole.messages)):
        told = whole.messages[: heard + 1]
        said = [token_id for _, _, payload in told for token_id in payload.get("said", [])]
        last = max([index for index, (_, _, payload) in enumerate(told) if "said" in payload], default=0)
        rest = ask(repeating(script), request(sampling={"seed": 3}, said=said))
        for kind in ("reasoning", "text"):
            shown = "".join(payload["text"] for k, _, payload in told[:last] if k == kind)
            assert shown + rest.text(kind) == whole.text(kind)
        assert rest.last()[1]["usage"]["replayedTokens"] == len(said)


def repeating(script: str) -> ScriptedBackend:
    """Says the script behind any prompt, wherever in it a prompt of one's own making stops."""
    ids = reply_ids(script)
    prompt = len(scripted_prompt())
    return ScriptedBackend(
        lambda token_ids: ids[len(token_ids) - prompt], vocab_size=VOCAB_SIZE, max_positions=CONTEXT_SIZE
    )


def scripted_prompt() -> list[int]:
    model = model_on(scripted())
    return [0] * model.count_tokens([{"role": "user", "content": "2 + 2?"}], enable_thinking=True)


@pytest.mark.parametrize("said", [[VOCAB_SIZE], [-1], "ab"])
def test_ids_that_no_reply_can_have_said_are_refused(said: Any) -> None:
    kind, payload = ask(scripted("4."), request(sampling={"seed": 3}, said=said)).last()
    assert (kind, payload["error"]["name"] in ("SamplingError", "ProtocolError")) == ("error", True)


def test_a_reply_is_resumed_with_the_seed_that_it_began_with() -> None:
    kind, payload = ask(scripted("4."), request(said=[ord("4")])).last()
    assert (kind, payload["error"]["name"]) == ("error", "SamplingError")
    assert "seed" in payload["error"]["message"]


def test_after_an_error_the_next_request_is_answered() -> None:
    page = Page()
    session = PageSession(model_on(scripted("4.")), page.post)
    run(session.generate(1, "{"))
    run(session.generate(2, request()))
    assert (page.last(1)[0], page.last(2)[0]) == ("error", "done")


@pytest.mark.parametrize(
    ("request_json", "named"),
    [
        ("{", "the request is not JSON"),
        ("[]", "the document is an array"),
        (request(messages=[]), "messages is empty"),
        (request(messages="hi"), "messages is a string"),
        (request(messages=["hi"]), r"messages\[0\] is a string"),
        (request(messages=[{"content": "hi"}]), r"messages\[0\].role is missing"),
        (request(messages=[{"role": "user"}]), r"messages\[0\].content is missing"),
        (request(messages=[{"role": "robot", "content": "hi"}]), r"messages\[0\].role is 'robot'"),
        (request(messages=[{"role": "user", "content": ["hi"]}]), r"messages\[0\].content is an array"),
        (request(enableThinking=1), "enableThinking is a number"),
        (request(sampling=[]), "sampling is an array"),
        (request(sampling={"top_k": 3}), "sampling.top_k is not a sampling option"),
        (request(sampling={"temperature": "hot"}), "sampling.temperature is a string"),
        (request(sampling={"temperature": None}), "sampling.temperature is null"),
        (request(sampling={"topK": 1.5}), "sampling.topK is 1.5"),
        (request(sampling={"maxNewTokens": 0}), "sampling.maxNewTokens is 0"),
    ],
)
def test_a_request_of_a_wrong_shape_is_refused_by_its_field(request_json: str, named: str) -> None:
    kind, payload = ask(scripted("4."), request_json).last()
    assert (kind, payload["error"]["name"]) == ("error", "ProtocolError")
    assert re.match(named, payload["error"]["message"])


def test_a_sampling_option_out_of_range_is_refused_by_name() -> None:
    _, payload = ask(scripted("4."), request(sampling={"topP": 1.5})).last()
    assert payload["error"]["name"] == "SamplingError"
    assert payload["error"]["message"].startswith("top_p is 1.5")


def test_reasoning_of_earlier_turns_is_accepted() -> None:
    messages = [
        {"role": "user", "content": "2 + 2?"},
        {"role": "assistant", "content": "4.", "reasoning_content": "hm"},
        {"role": "user", "content": "and 1?"},
    ]
    assert ask(scripted("5."), request(messages=messages)).last()[0] == "done"


def test_close_ends_what_runs_and_closes_the_backend_after_it() -> None:
    page = Page()
    backend = PausingBackend(successor, vocab_size=VOCAB_SIZE)
    session = PageSession(model_on(backend), page.post)
    task = Stepper(session.generate(1, request()))
    task.step()
    run(session.close())
    assert not backend.closed
    task.finish()
    assert page.last()[1]["finishReason"] == "abort"
    assert backend.closed


def test_a_closed_session_answers_with_an_error() -> None:
    page = Page()
    session = PageSession(model_on(scripted("4.")), page.post)
    run(session.close())
    run(session.generate(1, request()))
    assert page.last()[1]["error"]["name"] == "BackendError"


def test_a_session_opens_on_the_web_backend(monkeypatch: pytest.MonkeyPatch) -> None:
    """The web backend itself needs JavaScript; here its module is one that hands the decoder through."""
    module = ModuleType("pagelm._backend_web")
    module.WebBackend = lambda decoder: decoder  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "pagelm._backend_web", module)
    page = Page()
    session = open_session(
        json.dumps(manifest_value()), tokenizer_bytes(), CHAT_TEMPLATE, scripted("4."), page.post
    )
    run(session.generate(1, request()))
    assert page.text("text") == "4."


def test_the_tokenizer_may_come_as_a_typed_array() -> None:
    class Uint8Array:
        def to_bytes(self) -> bytes:
            return tokenizer_bytes()

    page = Page()
    session = open_session_on(
        scripted("4."), json.dumps(manifest_value()), Uint8Array(), CHAT_TEMPLATE, page.post
    )
    run(session.generate(1, request()))
    assert page.text("text") == "4."
