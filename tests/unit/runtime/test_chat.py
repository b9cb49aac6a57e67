"""pagelm.chat: a conversation keeps what was said."""

from __future__ import annotations

import asyncio

import pytest

from fakes import (
    CONTEXT_SIZE,
    FailingBackend,
    PausingBackend,
    Stepper,
    collect,
    model_on,
    reply_ids,
    run,
    scripted,
    successor,
)
from pagelm.engine_steps import Cancellation
from pagelm.errors import (
    ContextOverflowError,
)
from pagelm.events import ReasoningDelta, TextDelta
from replies import ASK, done, text, usage


def test_the_history_grows_by_question_and_answer() -> None:
    chat = model_on(scripted("<think>\nhm\n</think>\n\n4.", "5.")).chat("Be brief.")
    run(collect(chat.send("2 + 2?")))
    run(collect(chat.send("and 1?")))
    assert chat.messages == [
        {"role": "system", "content": "Be brief."},
        {"role": "user", "content": "2 + 2?"},
        {"role": "assistant", "content": "4.", "reasoning_content": "hm"},
        {"role": "user", "content": "and 1?"},
        {"role": "assistant", "content": "5."},
    ]


def test_the_model_sees_the_history() -> None:
    model = model_on(scripted("4.", "5."))
    chat = model.chat()
    run(collect(chat.send("2 + 2?")))
    events = run(collect(chat.send("and 1?")))
    assert usage(events).prompt_tokens == model.count_tokens(chat.messages[:-1])
    assert usage(events).cached_tokens > 0


def test_a_literal_tag_in_an_answer_stays_part_of_it() -> None:
    model = model_on(scripted("write </think> here"))
    chat = model.chat(enable_thinking=False)
    run(collect(chat.send("How does it end?")))
    answer = {"role": "assistant", "content": "write </think> here", "reasoning_content": ""}
    assert chat.messages[-1] == answer
    spoken = [{"role": "assistant", "content": "write  here", "reasoning_content": ""}]
    asked = chat.messages[:1]
    more_tokens = model.count_tokens([*asked, answer]) - model.count_tokens([*asked, *spoken])
    assert more_tokens == len("</think>")


def test_the_mode_is_the_chats() -> None:
    model = model_on(scripted("4."))
    events = run(collect(model.chat(enable_thinking=False).send("2 + 2?")))
    assert usage(events).prompt_tokens == model.count_tokens(ASK, enable_thinking=False)


def test_a_stopped_answer_stays_as_it_was_shown() -> None:
    chat = model_on(scripted("abcdef", "x")).chat()

    async def stop_after_three() -> None:
        cancellation = Cancellation()
        shown = ""
        async for event in chat.send("?", cancellation=cancellation):
            shown += event.text if isinstance(event, TextDelta) else ""
            if shown == "abc":
                cancellation.cancel()

    run(stop_after_three())
    assert chat.messages[-1] == {"role": "assistant", "content": "abc"}


def test_a_reader_who_leaves_keeps_what_was_read() -> None:
    chat = model_on(scripted("abcdef", "x")).chat()

    async def leave_after_two() -> None:
        events = chat.send("?")
        await anext(events)
        await anext(events)
        await events.aclose()

    run(leave_after_two())
    assert chat.messages[-1] == {"role": "assistant", "content": "ab"}
    assert text(run(collect(chat.send("?")))) == "x"


def test_a_message_that_could_not_be_answered_leaves_the_history() -> None:
    chat = model_on(scripted("4.")).chat()
    with pytest.raises(ContextOverflowError):
        run(collect(chat.send("x" * CONTEXT_SIZE)))
    assert chat.messages == []


def test_a_question_asked_again_in_vain_leaves_the_first_time_in_place() -> None:
    backend = FailingBackend(lambda _: next(script), fails_at=3, vocab_size=261)
    script = iter([*reply_ids("4")])
    chat = model_on(backend).chat()
    run(collect(chat.send("2 + 2?")))
    answered = chat.messages
    with pytest.raises(RuntimeError, match="device lost"):
        run(collect(chat.send("2 + 2?")))
    assert chat.messages == answered
    assert [message["role"] for message in answered] == ["user", "assistant"]


def test_a_reader_who_leaves_before_the_first_event_leaves_no_question() -> None:
    chat = model_on(PausingBackend(successor, vocab_size=261)).chat()
    reader = Stepper(collect(chat.send("?")))
    reader.step()
    assert not reader.finished
    with pytest.raises(asyncio.CancelledError):
        reader.throw(asyncio.CancelledError())
    assert chat.messages == []


def test_a_reader_who_leaves_while_it_thinks_leaves_no_question() -> None:
    chat = model_on(scripted("<think>abc</think>4.", "5.")).chat()

    async def leave_after_two() -> None:
        events = chat.send("2 + 2?")
        assert isinstance(await anext(events), ReasoningDelta)
        await events.aclose()

    run(leave_after_two())
    assert chat.messages == []
    run(collect(chat.send("and 1?")))
    assert [message["content"] for message in chat.messages] == ["and 1?", "5."]


def test_an_answer_that_is_nothing_is_not_in_the_history() -> None:
    chat = model_on(scripted("<think>hm</think>", "5.")).chat("Be brief.")
    assert done(run(collect(chat.send("?")))).finish_reason == "stop"
    assert [message["role"] for message in chat.messages] == ["system"]
    run(collect(chat.send("and 1?")))
    assert [message["content"] for message in chat.messages] == ["Be brief.", "and 1?", "5."]


def test_a_failure_half_way_keeps_what_was_shown() -> None:
    backend = FailingBackend(successor, fails_at=8, vocab_size=261)
    chat = model_on(backend).chat()
    with pytest.raises(RuntimeError, match="device lost"):
        run(collect(chat.send("?")))
    assert [message["role"] for message in chat.messages] == ["user", "assistant"]


def test_messages_are_a_copy() -> None:
    chat = model_on(scripted()).chat("Be brief.")
    chat.messages[0]["content"] = "Be long."
    assert chat.messages[0]["content"] == "Be brief."
