"""pagelm.chat at and beyond the context's end, branched, saved and read ahead."""

from __future__ import annotations

import json
from collections.abc import Sequence

import pytest

from fakes import CONTEXT_SIZE, IM_END, VOCAB_SIZE, RecordingBackend, collect, model_on, run, scripted
from pagelm.chat import Chat
from pagelm.context_overflow import KEPT_SHARE, drop_oldest_turns
from pagelm.engine import Engine
from pagelm.engine_steps import Cancellation, Prefilled, PrefillProgress
from pagelm.errors import ContextOverflowError, SamplingError, SavedChatError
from pagelm.events import Event, TextDelta, TurnsDropped
from pagelm.language_model import LanguageModel
from pagelm.sampling_options import SamplingOptions
from pagelm.saved_chat import read_chat


def echoes(token_ids: Sequence[int]) -> int:
    """Says one letter, then ends."""
    return ord("a") if token_ids[-1] == ord("\n") else IM_END


def echoing() -> LanguageModel:
    return model_on(RecordingBackend(echoes, vocab_size=VOCAB_SIZE, max_positions=CONTEXT_SIZE))


def backend_of(model: LanguageModel) -> RecordingBackend:
    assert isinstance(model.engine.backend, RecordingBackend)
    return model.engine.backend


def send(chat: Chat, text: str) -> list[Event]:
    return run(collect(chat.send(text)))


def test_a_chat_that_overflows_is_refused_by_default_and_keeps_its_history() -> None:
    chat = echoing().chat("Be brief.")
    send(chat, "x" * 200)
    with pytest.raises(ContextOverflowError):
        send(chat, "y" * 300)
    assert [message["role"] for message in chat.messages] == ["system", "user", "assistant"]


def test_a_chat_may_drop_its_oldest_turns_and_says_so_first() -> None:
    model = echoing()
    chat = model.chat("Be brief.", overflow="truncate-oldest-turns")
    for number in range(3):
        send(chat, str(number) * 120)
    events = send(chat, "y" * 120)
    assert events[0] == TurnsDropped(4)
    assert [event for event in events if isinstance(event, TextDelta)] == [TextDelta("a")]
    shown = [message["content"][0] for message in chat.shown_messages]
    assert shown == ["B", "2", "a", "y", "a"]
    assert len(chat.messages) == 9


def test_after_a_cut_the_next_turn_reuses_the_cache() -> None:
    model = echoing()
    chat = model.chat(overflow="truncate-oldest-turns")
    for number in range(4):
        send(chat, str(number) * 120)
    backend_of(model).calls.clear()
    events = send(chat, "z")
    assert not any(isinstance(event, TurnsDropped) for event in events)
    assert len(backend_of(model).prefilled()) < 60


def test_a_question_too_long_all_by_itself_is_refused_even_so() -> None:
    chat = echoing().chat(overflow="truncate-oldest-turns")
    with pytest.raises(ContextOverflowError):
        send(chat, "x" * CONTEXT_SIZE)
    assert chat.messages == []


@pytest.mark.parametrize(("question", "stop"), [("x" * CONTEXT_SIZE, ()), ("x" * 300, [""])])
def test_no_turns_are_dropped_for_a_question_that_is_refused(question: str, stop: Sequence[str]) -> None:
    chat = echoing().chat(overflow="truncate-oldest-turns")
    for text in ("a" * 60, "b" * 60):
        send(chat, text)
    before = chat.shown_messages
    with pytest.raises((ContextOverflowError, SamplingError)):
        run(collect(chat.send(question, stop=stop)))
    assert chat.shown_messages == before


def characters(messages: Sequence[object]) -> int:
    return sum(len(message["content"]) for message in messages)  # type: ignore[index]


def test_what_fits_is_left_whole() -> None:
    messages = [{"role": "user", "content": "x" * 87}]
    assert drop_oldest_turns(messages, count_tokens=characters, context_size=100) == messages


def test_a_cut_keeps_the_system_prompt_and_whole_turns() -> None:
    messages = [
        {"role": "system", "content": "s" * 10},
        *({"role": role, "content": role[0] * 15} for role in ("user", "assistant", "tool", "assistant")),
        *({"role": role, "content": role[0] * 15} for role in ("user", "assistant", "user")),
    ]
    kept = drop_oldest_turns(messages, count_tokens=characters, context_size=100)
    assert kept == [messages[0], *messages[5:]]
    assert characters(kept) <= 100 * KEPT_SHARE


def test_the_last_turn_stays_however_long() -> None:
    messages = [{"role": "user", "content": "x" * length} for length in (10, 10, 500)]
    assert drop_oldest_turns(messages, count_tokens=characters, context_size=100) == messages[2:]


def test_turns_stay_where_the_reply_that_dropped_them_fails() -> None:
    model = echoing()
    chat = model.chat(overflow="truncate-oldest-turns")
    for number in range(3):
        send(chat, str(number) * 120)
    before = chat.shown_messages

    async def fail() -> None:
        events = chat.send("y" * 120)
        assert await anext(events) == TurnsDropped(4)
        await events.aclose()

    run(fail())
    assert chat.shown_messages == before


def test_what_a_chat_takes_of_the_context_is_told_before_the_next_question() -> None:
    chat = echoing().chat()
    assert (chat.context_used, chat.context_size) == (0, CONTEXT_SIZE)
    send(chat, "x" * 100)
    assert 100 < chat.context_used < chat.count_tokens("y")


@pytest.mark.parametrize(
    ("system", "dropped", "right"),
    [
        ("Be brief.", 0, True),
        ("Be brief.", 2, True),
        ("Be brief.", 1, False),
        ("Be brief.", 3, False),
        (None, 2, True),
        (None, 1, False),
        (None, 3, False),
    ],
)
def test_only_whole_turns_can_have_been_dropped(system: str | None, dropped: int, right: bool) -> None:
    chat = echoing().chat(system)
    send(chat, "hi")
    text = json.dumps({**json.loads(chat.export()), "dropped_messages": dropped})
    if right:
        assert read_chat(text, model="counting").dropped_messages == dropped
        return
    with pytest.raises(SavedChatError, match="dropped_messages is"):
        read_chat(text, model="counting")


def test_the_system_prompt_can_be_read_ahead() -> None:
    model = echoing()
    chat = model.chat("Be brief.")
    run(chat.prefill_system())
    backend = backend_of(model)
    ahead = backend.prefilled()
    backend.calls.clear()
    send(chat, "hi")
    assert bytes(token for token in ahead if token < 256) == b"system\nBe brief.\nuser\n"
    assert bytes(token for token in backend.prefilled() if token < 256) == b"hi\nassistant\n"


def test_reading_ahead_what_is_read_already_runs_nothing() -> None:
    model = echoing()
    chat = model.chat("Be brief.")
    run(chat.prefill_system())
    backend_of(model).calls.clear()
    run(chat.prefill_system())
    assert backend_of(model).calls == []


def test_without_anything_to_read_nothing_runs() -> None:
    model = echoing()
    run(model.chat().prefill_system())
    assert backend_of(model).calls == []


def test_reading_ahead_can_be_cancelled_and_keeps_what_it_read() -> None:
    backend = RecordingBackend(echoes, vocab_size=VOCAB_SIZE)
    engine = Engine(backend, prefill_chunk_tokens=4)
    cancellation = Cancellation()
    read = backend.prefill

    async def cancel_after_two(input_ids: Sequence[int], position: int):  # type: ignore[no-untyped-def]
        if position == 4:
            cancellation.cancel()
        return await read(input_ids, position)

    backend.prefill = cancel_after_two  # type: ignore[method-assign]
    run(engine.prefill(range(12), cancellation=cancellation))
    assert engine.cache.token_ids == tuple(range(8))


def test_a_long_prompt_tells_how_far_it_is() -> None:
    engine = Engine(RecordingBackend(echoes, vocab_size=VOCAB_SIZE), prefill_chunk_tokens=4)
    steps = run(
        collect(
            engine.generate(
                range(10), sampling=SamplingOptions(temperature=0.0), eos_token_ids=[0], max_new_tokens=1
            )
        )
    )
    assert steps[:2] == [PrefillProgress(4, 10), PrefillProgress(8, 10)]
    assert isinstance(steps[2], Prefilled)


def test_progress_of_a_long_prompt_reaches_the_reader() -> None:
    events = send(echoing().chat(), "x" * 300)
    progress = [event for event in events if isinstance(event, PrefillProgress)]
    assert [event.read_tokens for event in progress] == [128, 256]


def test_a_clone_goes_its_own_way() -> None:
    model = model_on(scripted("one", "two", "three"))
    chat = model.chat("Be brief.")
    send(chat, "1")
    branch = chat.clone()
    send(branch, "2")
    send(chat, "3")
    assert [message["content"] for message in branch.messages] == ["Be brief.", "1", "one", "2", "two"]
    assert [message["content"] for message in chat.messages] == ["Be brief.", "1", "one", "3", "three"]


def test_a_clone_reuses_what_both_share() -> None:
    model = echoing()
    chat = model.chat()
    send(chat, "x" * 100)
    branch = chat.clone()
    backend_of(model).calls.clear()
    send(branch, "y")
    assert len(backend_of(model).prefilled()) < 60


def test_a_saved_chat_goes_on_where_it_was() -> None:
    model = model_on(scripted("<think>hm</think>one", "two"))
    chat = model.chat("Be brief.", enable_thinking=True, overflow="truncate-oldest-turns")
    send(chat, "1")
    again = model.import_chat(chat.export())
    assert again.messages == chat.messages
    assert (again.enable_thinking, again.overflow) == (True, "truncate-oldest-turns")
    send(again, "2")
    assert again.messages[-1] == {"role": "assistant", "content": "two"}
    assert json.loads(again.export())["messages"][2]["reasoning_content"] == "hm"


def test_a_saved_chat_knows_what_the_model_is_no_longer_shown() -> None:
    chat = echoing().chat(overflow="truncate-oldest-turns")
    for number in range(4):
        send(chat, str(number) * 120)
    again = echoing().import_chat(chat.export())
    assert again.shown_messages == chat.shown_messages != chat.messages


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ({"model": "another"}, "model is 'another' .*expected 'counting', the model that is loaded"),
        ({"format": "zip"}, "format is 'zip'"),
        ({"version": 2}, "version is 2"),
        ({"messages": [{"role": "user", "content": "?"}]}, "messages have the roles"),
        ({"messages": [{"role": "user"}]}, r"messages\[0\].content is missing"),
        ({"dropped_messages": 3}, "dropped_messages is 3"),
        ({"overflow": "forget"}, "overflow is 'forget'"),
        ({"enable_thinking": 1}, "enable_thinking is a number"),
    ],
)
def test_a_chat_that_cannot_go_on_is_refused_by_name(change: dict[str, object], named: str) -> None:
    model = echoing()
    chat = model.chat()
    send(chat, "1")
    value = {**json.loads(chat.export()), **change}
    with pytest.raises(SavedChatError, match=f"the saved chat cannot be used: {named}"):
        model.import_chat(json.dumps(value))


@pytest.mark.parametrize("text", ["", "[]", "{", "[" * 100_000])
def test_what_is_no_saved_chat_is_refused(text: str) -> None:
    with pytest.raises(SavedChatError, match="the saved chat cannot be used"):
        echoing().import_chat(text)
