"""Calls of tools in a reply: Qwen3 writes each as JSON between the tokens `<tool_call>` and `</tool_call>`.

    <tool_call>
    {"name": "add", "arguments": {"a": 2, "b": 2}}
    </tool_call>

Takes them out of the text that a person reads. What is broken is kept with what is wrong with it, for the
model to be told. Runs nothing.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Literal, cast

from pagelm.json_text import load_json

ToolTag = Literal["<tool_call>", "</tool_call>"]
OPEN_CALL: Final = "<tool_call>"
CLOSE_CALL: Final = "</tool_call>"


@dataclass(frozen=True, slots=True)
class ToolCall:
    """The model asks for a tool.

    Attributes:
        name: Of the tool.
        arguments: By name, as JSON has them.
    """

    name: str
    arguments: Mapping[str, object]


@dataclass(frozen=True, slots=True)
class BrokenToolCall:
    """The model asked for a tool in a way that cannot be understood.

    Attributes:
        text: What it wrote.
        problem: What is wrong with it, in a sentence for the model.

    >>> match parse_tool_call('{"name": "add", "arguments": "2 and 2"}'):
    ...     case BrokenToolCall(text, problem):
    ...         problem
    'The "arguments" of a tool call must be an object.'
    """

    text: str
    problem: str


def parse_tool_call(text: str) -> ToolCall | BrokenToolCall:
    """The call that stands between two tags.

    >>> parse_tool_call('{"name": "add", "arguments": {"a": 2, "b": 2}}')
    ToolCall(name='add', arguments={'a': 2, 'b': 2})
    >>> parse_tool_call("add 2 and 2").problem
    'The tool call is not valid JSON: ...'
    """
    try:
        value = load_json(text)
    except ValueError as error:
        return BrokenToolCall(text, f"The tool call is not valid JSON: {error}.")
    if not isinstance(value, dict):
        return BrokenToolCall(text, 'The tool call must be an object with "name" and "arguments".')
    name, arguments = value.get("name"), value.get("arguments", {})
    if not isinstance(name, str):
        return BrokenToolCall(text, 'The tool call needs a "name", the name of a function.')
    if not isinstance(arguments, dict):
        return BrokenToolCall(text, 'The "arguments" of a tool call must be an object.')
    return ToolCall(name, cast("dict[str, object]", arguments))


class ToolCallSplitter:
    """Tells text from calls in the answer of a reply that arrives in pieces.

    Line breaks beside calls are the template's, and dropped.
    """

    def __init__(self) -> None:
        self._call: list[str] | None = None
        self._held = ""  # line breaks: dropped if a call follows, else part of the text
        self._after_call = False

    @property
    def is_open(self) -> bool:
        """Whether a call has begun that has not ended."""
        return self._call is not None

    def push(self, piece: str) -> str:
        """The text that a piece gives; of a call, none."""
        if self._call is not None:
            self._call.append(piece)
            return ""
        if self._after_call:
            piece = piece.lstrip("\n")
            self._after_call = not piece
        text = self._held + piece
        ready = text.rstrip("\n")
        self._held = text[len(ready) :]
        return ready

    def push_tag(self, tag: ToolTag) -> ToolCall | BrokenToolCall | None:
        """A tag; the call that it ends. One that is out of place changes nothing."""
        if tag == OPEN_CALL:
            self._held = ""
            self._call = [] if self._call is None else self._call
            return None
        return self._end() if self._call is not None else None

    def finish(self) -> str | BrokenToolCall:
        """What was held back, when no more follows: text, or a call that was cut off."""
        if self._call is not None:
            return BrokenToolCall("".join(self._call), f"The tool call ends without {CLOSE_CALL}.")
        held, self._held = self._held, ""
        return held

    def _end(self) -> ToolCall | BrokenToolCall:
        call, self._call = "".join(self._call or ()), None
        self._after_call = True
        return parse_tool_call(call)
