"""Tells reasoning from answer in a reply that arrives in pieces.

It refuses to know tokens and models. A tag counts wherever it stands, may be cut anywhere, and is never part
of an event. Newlines next to the tags belong to Qwen3's template, which strips them from both sides of the
reasoning and from the start of the answer; so they are dropped here in the same places.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, Literal, NamedTuple

OPEN_TAG: Final = "<think>"
CLOSE_TAG: Final = "</think>"

Section = Literal["reasoning", "text"]


class ThinkingEvent(NamedTuple):
    """A piece of the reply. `text` is never empty."""

    kind: Section
    text: str


class ThinkingSplitter:
    """Splits a stream of text pieces at `<think>` and `</think>`.

    Args:
        starts_in: The section that the prompt leaves open: "text" when the model writes `<think>` itself or
            the prompt holds an empty block, "reasoning" when the prompt ends with `<think>` (`open_section`).
    """

    def __init__(
        self, starts_in: Section = "text", *, open_tag: str = OPEN_TAG, close_tag: str = CLOSE_TAG
    ) -> None:
        self.section: Section = starts_in
        self._tags: dict[str, Section] = {open_tag: "reasoning", close_tag: "text"}
        self._held = ""  # may be the beginning of a tag
        self._newlines = ""  # dropped if a tag follows, else part of the section
        self._at_start = starts_in == "reasoning"  # leading newlines are the template's

    def push(self, piece: str) -> list[ThinkingEvent]:
        """Events that `piece` completes; what may still turn out to be a tag is held back."""
        events: list[ThinkingEvent] = []
        rest = self._held + piece
        while found := self._find_tag(rest):
            at, tag = found
            self._emit(rest[:at], events)
            self._enter(self._tags[tag])
            rest = rest[at + len(tag) :]
        ready = len(rest) - self._held_length(rest)
        self._emit(rest[:ready], events)
        self._held = rest[ready:]
        return _join(events)

    def finish(self) -> list[ThinkingEvent]:
        """What was held back: it turned out not to be a tag."""
        events: list[ThinkingEvent] = []
        self._emit(self._held, events)
        if self._newlines and self.section == "text":
            events.append(ThinkingEvent("text", self._newlines))
        self._held = self._newlines = ""
        return _join(events)

    def _find_tag(self, text: str) -> tuple[int, str] | None:
        return min(((at, tag) for tag in self._tags if (at := text.find(tag)) >= 0), default=None)

    def _held_length(self, text: str) -> int:
        """Length of the longest end of `text` that begins a tag."""
        for length in range(min(len(text), max(map(len, self._tags)) - 1), 0, -1):
            if any(tag.startswith(text[-length:]) for tag in self._tags):
                return length
        return 0

    def _enter(self, section: Section) -> None:
        self.section = section
        self._newlines = ""
        self._at_start = True

    def _emit(self, text: str, events: list[ThinkingEvent]) -> None:
        if self._at_start:
            text = text.lstrip("\n")
        if not text:
            return
        self._at_start = False
        text = self._newlines + text
        # Newlines before a tag are the template's, so they wait for what follows.
        kept = text.rstrip("\n")
        self._newlines = text[len(kept) :]
        if kept:
            events.append(ThinkingEvent(self.section, kept))


def open_section(prompt_ids: Sequence[int], *, think_open_id: int, think_close_id: int) -> Section:
    """The section in which the model goes on after the prompt: "reasoning" when its last tag is `<think>`."""
    for token_id in reversed(prompt_ids):
        if token_id == think_open_id:
            return "reasoning"
        if token_id == think_close_id:
            return "text"
    return "text"


def _join(events: list[ThinkingEvent]) -> list[ThinkingEvent]:
    joined: list[ThinkingEvent] = []
    for event in events:
        if joined and joined[-1].kind == event.kind:
            event = ThinkingEvent(event.kind, joined.pop().text + event.text)
        joined.append(event)
    return joined
