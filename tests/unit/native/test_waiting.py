"""pagelm.waiting on CPython: methods named …_sync do what their twins do, whenever they are left."""

from __future__ import annotations

import asyncio
import gc
import inspect
import signal
from collections.abc import AsyncGenerator, Sequence

import pytest

from fakes import VOCAB_SIZE, RecordingBackend, collect, model_on, run, scripted, successor
from pagelm.chat import Chat
from pagelm.errors import CannotWaitError, SamplingError
from pagelm.events import Done, Event, TextDelta
from pagelm.language_model import LanguageModel
from pagelm.sampling_options import SamplingOptions
from pagelm.waiting import iterate, wait_for

GREEDY = SamplingOptions(temperature=0.0)


def text(events: Sequence[Event]) -> str:
    return "".join(event.text for event in events if isinstance(event, TextDelta))


async def counting(closed: list[str]) -> AsyncGenerator[int, None]:
    try:
        for number in range(1000):
            await asyncio.sleep(0)
            yield number
    finally:
        await asyncio.sleep(0)
        closed.append("closed")


def test_the_events_are_those_of_the_asynchronous_twin() -> None:
    model = model_on(RecordingBackend(successor, vocab_size=VOCAB_SIZE))
    events = list(model.generate_sync("abc", sampling=GREEDY, max_new_tokens=4))
    again = run(collect(model.generate("abc", sampling=GREEDY, max_new_tokens=4)))
    assert (text(events), text(again)) == ("defg", "defg")
    assert [type(event) for event in events] == [type(event) for event in again]


def test_a_chat_remembers_what_it_was_told_synchronously() -> None:
    chat = model_on(scripted("4.", "5.")).chat(enable_thinking=False)
    assert text(list(chat.send_sync("2 + 2?"))) == "4."
    assert text(list(chat.send_sync("and 1?"))) == "5."
    assert [message["content"] for message in chat.messages] == ["2 + 2?", "4.", "and 1?", "5."]


def test_closed_early_it_leaves_a_cache_that_the_next_call_uses() -> None:
    model = model_on(RecordingBackend(successor, vocab_size=VOCAB_SIZE))
    events = model.generate_sync("abc", sampling=GREEDY)
    assert next(events) == TextDelta("d")
    assert next(events) == TextDelta("e")
    events.close()
    later = list(model.generate_sync("abcde", sampling=GREEDY, max_new_tokens=2))
    assert text(later) == "fg"
    assert isinstance(later[-1], Done)
    assert later[-1].usage.cached_tokens == len("abcd")


def test_two_may_be_read_in_turn() -> None:
    one, two = counting([]), counting([])
    assert list(zip(range(3), iterate(one), iterate(two), strict=False)) == [(0, 0, 0), (1, 1, 1), (2, 2, 2)]


@pytest.mark.parametrize("leave", ["close", "forget", "read to the end"])
def test_whoever_leaves_the_iterator_ends_the_generator(leave: str) -> None:
    closed: list[str] = []
    events = iterate(counting(closed))
    assert next(events) == 0
    match leave:
        case "close":
            events.close()
        case "forget":
            del events
            gc.collect()
        case _:
            assert list(events) == list(range(1, 1000))
    assert closed == ["closed"]


def test_errors_come_as_they_are() -> None:
    with pytest.raises(SamplingError, match="max_new_tokens is 0"):
        next(model_on(scripted("4.")).generate_sync("abc", max_new_tokens=0))


def test_what_begins_outside_a_loop_is_refused_inside_one() -> None:
    events = iterate(counting([]))
    next(events)

    async def inside() -> None:
        next(events)

    with pytest.raises(CannotWaitError, match="an event loop runs in this thread"):
        asyncio.run(inside())


def test_a_thread_of_a_running_loop_may_wait() -> None:
    async def inside() -> list[int]:
        return await asyncio.to_thread(lambda: list(iterate(counting([]))))

    assert asyncio.run(inside()) == list(range(1000))


def test_an_interrupt_ends_the_wait() -> None:
    async def interrupted() -> None:
        signal.raise_signal(signal.SIGINT)
        await asyncio.sleep(60)

    # a background job is started with interrupts ignored
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        with pytest.raises(KeyboardInterrupt):
            wait_for(interrupted())
    finally:
        signal.signal(signal.SIGINT, before)


@pytest.mark.parametrize(
    ("owner", "names"),
    [
        (LanguageModel, ["load", "reply", "generate", "completions", "prefill", "close"]),
        (Chat, ["send", "answers", "prefill_system"]),
    ],
)
def test_each_method_that_waits_has_a_twin_of_the_same_parameters(owner: type, names: list[str]) -> None:
    waits = [
        name
        for name, method in inspect.getmembers(owner)
        if inspect.iscoroutinefunction(method) or inspect.isasyncgenfunction(method)
    ]
    assert sorted(names) == waits
    for name in names:
        method, twin = getattr(owner, name), getattr(owner, f"{name}_sync")
        assert inspect.signature(twin).parameters == inspect.signature(method).parameters
        assert twin.__name__ == f"{name}_sync"
        assert f"`{name}`" in (twin.__doc__ or "")
