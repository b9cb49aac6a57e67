"""Tells reasoning from answer in a reply that arrives in pieces.

It refuses to know tokens and models: whoever pushes says what is text and what is a tag, because only token
ids tell `<think>` from the same seven characters that somebody wrote about. A tag counts only where Qwen3's
template has one, and is text elsewhere. Newlines next to tags that count belong to the template, which strips
them from both sides of the reasoning and from the start of the answer; so they are dropped here in the same
places, with all white space before `<think>`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, Literal, NamedTuple

Tag = Literal["<think>", "</think>"]
OPEN_TAG: Final = "<think>"
CLOSE_TAG: Final = "</think>"

Section = Literal["reasoning", "text"]


class ThinkingEvent(NamedTuple):
    """A piece of the reply. `text` is never empty."""

    kind: Section
    text: str


class ThinkingSplitter:
    """Splits a stream of text and tags into reasoning and answer.

    Args:
        starts_in: The section that the prompt leaves open: "text" when the model writes `<think>` itself or
            the prompt holds an empty block, "reasoning" when the prompt ends with `<think>` (`open_section`).
    """

    def __init__(self, starts_in: Section = "text") -> None:
        self.section: Section = starts_in
        self._after_tag = starts_in == "reasoning"  # leading newlines are the template's
        self._begun = False  # something of this section has been handed out
        self._held = ""  # white space: dropped if a tag follows that counts, else part of the section

    def push(self, piece: str) -> list[ThinkingEvent]:
        """The event that a piece of text gives, if any; what looks like a tag in it is text."""
        if self._after_tag:
            piece = piece.lstrip("\n")
        if not piece:
            return []
        self._after_tag = False
        text = self._held + piece
        ready = text[: self._ready_length(text)]
        self._held = text[len(ready) :]
        self._begun |= bool(ready)
        return [ThinkingEvent(self.section, ready)] if ready else []

    def push_tag(self, tag: Tag) -> list[ThinkingEvent]:
        """A tag: `<think>` counts before all else, `</think>` while reasoning is open.

        Any other is a piece of text like those that `push` takes.
        """
        if tag == OPEN_TAG and not self._begun:
            self._enter("reasoning")
        elif tag == CLOSE_TAG and self.section == "reasoning":
            self._enter("text")
        else:
            return self.push(tag)
        return []

    def finish(self) -> list[ThinkingEvent]:
        """What was held back and belongs to the answer."""
        held, self._held = self._held, ""
        return [ThinkingEvent("text", held)] if held and self.section == "text" else []

    def _ready_length(self, text: str) -> int:
        """Length of what stays part of the section whatever follows."""
        if self.section == "reasoning":
            return len(text.rstrip("\n"))
        return 0 if not self._begun and text.isspace() else len(text)

    def _enter(self, section: Section) -> None:
        self.section = section
        self._after_tag = True
        self._begun = False
        self._held = ""


def open_section(prompt_ids: Sequence[int], *, think_open_id: int, think_close_id: int) -> Section:
    """The section in which the model goes on after the prompt: "reasoning" when its last tag is `<think>`."""
    for token_id in reversed(prompt_ids):
        if token_id == think_open_id:
            return "reasoning"
        if token_id == think_close_id:
            return "text"
    return "text"
