"""A chat with tools: calls are run, results shown to the model, and the answer comes in the end."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from pathlib import Path
from typing import Any

import pytest

from fakes import CONTEXT_SIZE, TOOL_VOCAB_SIZE, collect, model_on, reply_ids, run, scripted, tool_model_on
from pagelm.chat import OUT_OF_ROUNDS, Chat
from pagelm.engine_steps import Cancellation, PrefillProgress
from pagelm.errors import ToolError
from pagelm.events import Done, Event, ReasoningDelta, TextDelta, ToolResult
from pagelm.saved_chat import read_chat
from pagelm.scripted import ScriptedBackend
from pagelm.tool_calls import BrokenToolCall, ToolCall
from pagelm.tools import Tool, make_tool

TEMPLATE = (Path(__file__).parents[1] / "text" / "qwen3.jinja").read_text()
CALL = '<tool_call>\n{"name": "add", "arguments": {"a": 27, "b": 38}}\n</tool_call>'


def add(a: int, b: int) -> int:
    """Add two numbers."""
    return a + b


def chat_of(*replies: str, positions: int = 4 * CONTEXT_SIZE) -> Chat:
    script = [reply_ids(reply) for reply in replies]
    backend = ScriptedBackend.playing(script, vocab_size=TOOL_VOCAB_SIZE, max_positions=positions)
    return tool_model_on(backend, TEMPLATE).chat()


def send(chat: Chat, text: str = "27 + 38?", **options: Any) -> list[Event]:
    return run(collect(chat.send(text, **{"tools": [add], **options})))


def text(events: list[Event]) -> str:
    return "".join(event.text for event in events if isinstance(event, TextDelta))


def test_a_call_is_run_and_the_answer_follows() -> None:
    chat = chat_of(f"<think>\nadd\n</think>\n\n{CALL}", "<think>\nso\n</think>\n\n65.")
    events = send(chat)
    assert [event for event in events if isinstance(event, ToolCall | ToolResult)] == [
        ToolCall("add", {"a": 27, "b": 38}),
        ToolResult(ToolCall("add", {"a": 27, "b": 38}), "65"),
    ]
    assert text(events) == "65."
    assert [type(event) for event in events].count(Done) == 1
    assert isinstance(events[-1], Done)


def test_the_history_is_what_the_template_wants() -> None:
    chat = chat_of(f"<think>\nadd\n</think>\n\n{CALL}", "65.")
    send(chat)
    assert chat.messages == [
        {"role": "user", "content": "27 + 38?"},
        {
            "role": "assistant",
            "content": "",
            "reasoning_content": "add",
            "tool_calls": [
                {"type": "function", "function": {"name": "add", "arguments": {"a": 27, "b": 38}}}
            ],
        },
        {"role": "tool", "content": "65"},
        {"role": "assistant", "content": "65."},
    ]


def test_the_second_round_reads_only_the_result() -> None:
    chat = chat_of(f"<think>\nadd\n</think>\n\n{CALL}", "65.")
    events = send(chat)
    done = events[-1]
    assert isinstance(done, Done)
    opening = "|\n|user\n<tool_response>\n65\n</tool_response>|\n|assistant\n"  # a marker is one token
    assert done.usage.prompt_tokens - done.usage.cached_tokens <= len(opening)


def test_several_calls_are_run_in_order() -> None:
    other = CALL.replace("27", "1")
    events = send(chat_of(f"Let me add.\n{CALL}\n{other}", "65 and 39."))
    results = [event.content for event in events if isinstance(event, ToolResult)]
    assert results == ["65", "39"]
    assert text(events) == "Let me add.65 and 39."


def test_a_call_that_a_limit_cuts_is_told_to_the_model_and_not_shown() -> None:
    chat = chat_of(CALL, CALL, "65.")
    events = [event for event in send(chat, max_new_tokens=40) if not isinstance(event, PrefillProgress)]
    assert isinstance(events[0], BrokenToolCall)
    result = events[1]
    assert isinstance(result, ToolResult)
    assert "ends without </tool_call>" in result.content


def test_rounds_are_limited_and_the_model_is_told() -> None:
    events = send(chat_of(CALL, CALL, "I give up."), max_tool_rounds=1)
    assert [event.content for event in events if isinstance(event, ToolResult)] == ["65", OUT_OF_ROUNDS]
    assert text(events) == "I give up."


def test_a_model_that_calls_without_end_is_stopped() -> None:
    events = send(chat_of(*[CALL] * 4), max_tool_rounds=1)
    assert isinstance(events[-1], Done)
    assert events[-1].finish_reason == "length"


def test_done_counts_all_rounds() -> None:
    chat = chat_of(f"<think>\nadd\n</think>\n\n{CALL}", "<think>\nso\n</think>\n\n65.")
    done = send(chat)[-1]
    assert isinstance(done, Done)
    assert done.usage.answer_tokens > len("65.") + len(CALL) - 24
    assert done.usage.reasoning_tokens > 10


def test_a_turn_that_is_cancelled_before_its_call_runs_nothing_more() -> None:
    chat = chat_of(f"Let me add.\n{CALL}", "65.")
    cancellation = Cancellation()
    ran: list[int] = []

    def slow(a: int, b: int) -> int:
        ran.append(a)
        return a + b

    async def stopped() -> list[Event]:
        events: list[Event] = []
        async for event in chat.send("27 + 38?", tools=[slow], cancellation=cancellation):
            events.append(event)
            if isinstance(event, TextDelta):
                cancellation.cancel()
        return events

    events = run(stopped())
    assert isinstance(events[-1], Done)
    assert (events[-1].finish_reason, ran) == ("abort", [])


def test_a_turn_that_is_cancelled_during_a_call_runs_no_other() -> None:
    chat = chat_of(f"Let me add.\n{CALL}{CALL}", "65.")
    cancellation = Cancellation()
    ran: list[int] = []

    def stopping(a: int, b: int) -> int:
        ran.append(a)
        cancellation.cancel()
        return a + b

    events = send(chat, tools=[Tool("add", make_tool(add).schema, stopping)], cancellation=cancellation)
    assert isinstance(events[-1], Done)
    assert (events[-1].finish_reason, ran) == ("abort", [27])
    roles = [message["role"] for message in chat.messages]
    assert roles == ["user", "assistant", "tool"]
    assert len(chat.messages[1]["tool_calls"]) == 1  # the one that has a result
    assert read_chat(chat.export(), model="counting").messages == tuple(chat.messages)


def test_a_turn_that_is_cancelled_between_a_reply_and_its_call_ends_with_what_was_run(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    chat = chat_of(f"Let me add.\n{CALL}", CALL, "65.")
    cancellation, reply, replies = Cancellation(), chat._model.reply, 0

    async def then_cancelled(*messages: Any, **options: Any) -> AsyncGenerator[Event, None]:
        nonlocal replies
        async for event in reply(*messages, **options):
            yield event
        replies += 1
        if replies == 2:
            cancellation.cancel()

    monkeypatch.setattr(chat._model, "reply", then_cancelled)
    events = send(chat, cancellation=cancellation)
    assert isinstance(events[-1], Done)
    assert events[-1].finish_reason == "abort"
    assert [message["role"] for message in chat.messages] == ["user", "assistant", "tool"]


def test_tools_are_counted_and_can_be_read_ahead() -> None:
    chat = chat_of("what reading ahead would go on with", "65.")
    assert chat.count_tokens("27 + 38?", tools=[add]) > chat.count_tokens("27 + 38?") + 100
    run(chat.prefill_system(tools=[add]))
    [done] = [event for event in send(chat) if isinstance(event, Done)]
    assert done.usage.prompt_tokens - done.usage.cached_tokens < 40


def test_without_tools_a_tag_is_text() -> None:
    events = send(chat_of("<think>\n</think>\n\n" + CALL), tools=[])
    assert text(events) == CALL


def test_a_tag_inside_reasoning_is_reasoning() -> None:
    events = send(chat_of("<think>\nuse <tool_call> now\n</think>\n\n65."))
    assert "<tool_call>" in "".join(event.text for event in events if isinstance(event, ReasoningDelta))
    assert not any(isinstance(event, ToolCall | BrokenToolCall) for event in events)


def test_a_model_without_the_tokens_is_refused() -> None:
    with pytest.raises(ToolError, match="the tokenizer has no tokens"):
        send(model_on(scripted("4.")).chat())


def test_a_chat_with_calls_can_be_saved_and_goes_on() -> None:
    chat = chat_of(f"Wait.\n{CALL}", "65.", "66.")
    send(chat)
    again = Chat.import_(chat._model, chat.export())
    assert again.messages == chat.messages
    assert text(send(again, "and 1?")) == "66."
