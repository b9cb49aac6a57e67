"""A thinking budget closes the reasoning of a model that would not, and leaves room for an answer."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from fakes import (
    CONTEXT_SIZE,
    END_THINK,
    IM_END,
    THINK,
    VOCAB_SIZE,
    RecordingBackend,
    model_on,
    scripted,
)
from pagelm.errors import ContextOverflowError, SamplingError
from pagelm.language_model import LanguageModel
from pagelm.thinking_budget import CLOSING_SENTENCE
from replies import done, reasoning, reply, text, usage


def muses(token_ids: Sequence[int]) -> int:
    """A model that reasons without end, and answers 4 once its reasoning has been closed."""
    if END_THINK in token_ids:
        return ord("4") if token_ids[-1] != ord("4") else IM_END
    return ord("m") if THINK in token_ids else THINK


def musing() -> LanguageModel:
    return model_on(RecordingBackend(muses, vocab_size=VOCAB_SIZE, max_positions=CONTEXT_SIZE))


def test_a_thinking_budget_closes_the_reasoning_and_the_answer_follows() -> None:
    events = reply(musing(), thinking_budget=5)
    assert reasoning(events) == "mmmm" + CLOSING_SENTENCE.rstrip("\n")
    assert (text(events), done(events).finish_reason) == ("4", "stop")
    assert usage(events).reasoning_cut


def test_the_closing_is_run_at_once() -> None:
    model = musing()
    reply(model, thinking_budget=5)
    backend = model.engine.backend
    assert isinstance(backend, RecordingBackend)
    last = [call for call in backend.calls if call[0] == "prefill"][-1][1]
    assert bytes(last[1:-3]) == CLOSING_SENTENCE.encode()
    assert last[-3:] == (END_THINK, ord("\n"), ord("\n"))


def test_a_budget_of_nothing_closes_the_reasoning_as_it_opens() -> None:
    events = reply(musing(), thinking_budget=0)
    assert reasoning(events) == CLOSING_SENTENCE.strip("\n")
    assert text(events) == "4"


def test_reasoning_within_the_budget_is_left_alone() -> None:
    events = reply(model_on(scripted("<think>abc</think>de")), thinking_budget=5)
    assert (reasoning(events), text(events), usage(events).reasoning_cut) == ("abc", "de", False)


@pytest.mark.parametrize("limit", [1, 2, 3, 4])
def test_a_limit_that_leaves_nothing_to_the_answer_is_refused(limit: int) -> None:
    with pytest.raises(SamplingError, match=rf"max_new_tokens is {limit} .*at least 5 where"):
        reply(musing(), max_new_tokens=limit)
    assert text(reply(model_on(scripted("4.")), max_new_tokens=limit, enable_thinking=False)) == "4."[:limit]


@pytest.mark.parametrize("room", [1, 2, 3, 4])
def test_a_context_that_leaves_nothing_to_the_answer_is_refused(room: int) -> None:
    model = musing()
    frame = model.count_tokens([{"role": "user", "content": ""}])
    full = [{"role": "user", "content": "x" * (CONTEXT_SIZE - room - frame)}]
    with pytest.raises(ContextOverflowError, match=rf"room for {room} more tokens .*at least 5"):
        reply(model, full)


def forgetful(token_ids: Sequence[int]) -> int:
    """A model that opens a block of reasoning wherever it may say what it likes."""
    return ord("m") if token_ids[-1] == THINK else THINK


def test_reasoning_that_was_closed_never_opens_again() -> None:
    model = model_on(RecordingBackend(forgetful, vocab_size=VOCAB_SIZE, max_positions=CONTEXT_SIZE))
    events = reply(model, thinking_budget=20, max_new_tokens=200)
    assert text(events).startswith("<think>m<think>")
    assert usage(events).reasoning_tokens < 200 // 2


@pytest.mark.parametrize("limit", range(5, 60))
def test_no_limit_ends_a_reply_inside_its_reasoning(limit: int) -> None:
    events = reply(musing(), max_new_tokens=limit)
    assert text(events) == "4"
    assert usage(events).reasoning_tokens + usage(events).answer_tokens <= limit


def test_the_end_of_the_context_leaves_room_for_the_answer_too() -> None:
    events = reply(musing())
    assert (text(events), done(events).finish_reason) == ("4", "stop")
    assert usage(events).context_used <= CONTEXT_SIZE


def test_a_cache_with_closed_reasoning_is_reused() -> None:
    model = musing()
    first = usage(reply(model, thinking_budget=5))
    again = usage(reply(model, thinking_budget=5))
    assert again.cached_tokens == first.prompt_tokens - 1


def test_a_thinking_budget_below_nothing_is_refused() -> None:
    with pytest.raises(SamplingError, match="thinking_budget is -1"):
        reply(musing(), thinking_budget=-1)
