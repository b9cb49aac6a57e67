"""Replies of a model in tests: asked for, and taken apart."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from fakes import (
    collect,
    run,
)
from pagelm.events import Done, Event, ReasoningDelta, TextDelta, Usage
from pagelm.language_model import LanguageModel

ASK = [{"role": "user", "content": "2 + 2?"}]


def reply(model: LanguageModel, messages: Sequence[dict[str, str]] = ASK, **options: Any) -> list[Event]:
    return run(collect(model.reply(messages, **options)))


def reasoning(events: Sequence[Event]) -> str:
    return "".join(event.text for event in events if isinstance(event, ReasoningDelta))


def text(events: Sequence[Event]) -> str:
    return "".join(event.text for event in events if isinstance(event, TextDelta))


def done(events: Sequence[Event]) -> Done:
    assert isinstance(events[-1], Done)
    return events[-1]


def usage(events: Sequence[Event]) -> Usage:
    return done(events).usage
