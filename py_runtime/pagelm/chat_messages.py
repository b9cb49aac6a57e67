"""The messages of a conversation, as chat templates take them, from events and from JSON.

Knows no tokens and no model.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal, NotRequired, TypedDict

from pagelm.events import Event, ReasoningDelta, TextDelta
from pagelm.json_fields import Fields
from pagelm.tool_calls import BrokenToolCall, ToolCall

ROLES = ("system", "user", "assistant", "tool")


class FunctionCall(TypedDict):
    """Which tool, and with what."""

    name: str
    arguments: Mapping[str, object]


class ToolCallEntry(TypedDict):
    """One entry of `tool_calls`."""

    type: Literal["function"]
    function: FunctionCall


class ChatMessage(TypedDict):
    """One message.

    `role` is system, user, assistant or tool; `content` the text, of a tool its result. An assistant's may
    have what it thought before, and the tools it asked for.
    """

    role: str
    content: str
    reasoning_content: NotRequired[str]
    tool_calls: NotRequired[list[ToolCallEntry]]


def record_event(answer: ChatMessage, event: Event) -> None:
    """Add an event to an assistant's message as it happens: a reader may leave at any time."""
    match event:
        case TextDelta(text):
            answer["content"] += text
            if "</think>" in answer["content"]:
                # else the template would take what precedes it for the reasoning
                answer.setdefault("reasoning_content", "")
        case ReasoningDelta(text):
            answer["reasoning_content"] = answer.get("reasoning_content", "") + text
        case _:
            pass


def record_calls(answer: ChatMessage, calls: list[ToolCall | BrokenToolCall]) -> None:
    """Say in an assistant's message what it asked for. What cannot be understood stays as the text it is."""
    entries: list[ToolCallEntry] = [
        {"type": "function", "function": {"name": call.name, "arguments": call.arguments}}
        for call in calls
        if isinstance(call, ToolCall)
    ]
    broken = [call.text for call in calls if isinstance(call, BrokenToolCall)]
    answer["content"] = "\n".join([*([answer["content"]] if answer["content"] else []), *broken])
    if entries:
        answer["tool_calls"] = entries


def read_message(fields: Fields) -> ChatMessage:
    """A message of JSON that others wrote, checked; other keys are dropped.

    Raises:
        PagelmError: Of the class that `fields` refuses with.
    """
    message: ChatMessage = {"role": fields.text("role", one_of=ROLES), "content": fields.text("content")}
    if "reasoning_content" in fields:
        message["reasoning_content"] = fields.text("reasoning_content")
    if "tool_calls" in fields:
        message["tool_calls"] = [
            _tool_call(entry.fields("function")) for entry in fields.array_of_fields("tool_calls")
        ]
    return message


def _tool_call(function: Fields) -> ToolCallEntry:
    arguments = function.fields("arguments")
    values = {name: arguments.value(name) for name in arguments}
    return {"type": "function", "function": {"name": function.text("name"), "arguments": values}}
