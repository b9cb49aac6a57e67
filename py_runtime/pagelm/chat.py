"""A conversation with a memory of its own, over a model whose replies have none.

Holds messages and nothing else: no tokens, no cache. A question joins the history together with the first
piece of its answer, and what was shown of that stays, also when it was stopped. A turn that ended before its
answer began (an error, a reader who left, a limit reached while thinking) never joins: an empty answer would
teach the model to be silent. The page holds to the same rule.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from typing import Protocol

from pagelm.chat_template import Message
from pagelm.engine import Cancellation
from pagelm.events import Done, Event, ReasoningDelta, TextDelta
from pagelm.sampling_options import SamplingOptions


class Replies(Protocol):
    """Whatever answers messages; `LanguageModel` does."""

    def reply(
        self,
        messages: Sequence[Message],
        *,
        enable_thinking: bool,
        sampling: SamplingOptions | None,
        max_new_tokens: int | None,
        thinking_budget: int | None,
        stop: Sequence[str],
        cancellation: Cancellation | None,
    ) -> AsyncGenerator[Event, None]: ...


class Chat:
    """One conversation.

    Args:
        model: Answers.
        system: What the model is told before all else.
        enable_thinking: Whether it reasons before it answers; may be set between two questions.
    """

    def __init__(self, model: Replies, system: str | None = None, *, enable_thinking: bool = True) -> None:
        self._model = model
        self.enable_thinking = enable_thinking
        self._messages: list[dict[str, str]] = []
        if system is not None:
            self._messages.append({"role": "system", "content": system})

    @property
    def messages(self) -> list[dict[str, str]]:
        """A copy of the history, oldest first: system, then questions and answers in turn. Reasoning is an
        answer's `reasoning_content`."""
        return [dict(message) for message in self._messages]

    async def send(
        self,
        text: str,
        *,
        sampling: SamplingOptions | None = None,
        max_new_tokens: int | None = None,
        thinking_budget: int | None = None,
        stop: Sequence[str] = (),
        cancellation: Cancellation | None = None,
    ) -> AsyncGenerator[Event, None]:
        """Say something and hear the answer; arguments, events and errors as of `LanguageModel.reply`."""
        asked = {"role": "user", "content": text}
        answer = {"role": "assistant", "content": ""}
        events = self._model.reply(
            [*self.messages, asked],
            enable_thinking=self.enable_thinking,
            sampling=sampling,
            max_new_tokens=max_new_tokens,
            thinking_budget=thinking_budget,
            stop=stop,
            cancellation=cancellation,
        )
        async with aclosing(events):
            async for event in events:
                if isinstance(event, TextDelta) and not answer["content"]:
                    self._messages += (asked, answer)
                _record(answer, event)
                yield event


def _record(answer: dict[str, str], event: Event) -> None:
    """Add an event to the message as it happens: a reader may leave at any time."""
    match event:
        case TextDelta(text):
            answer["content"] += text
            if "</think>" in answer["content"]:
                # else the template would take what precedes it for the reasoning
                answer.setdefault("reasoning_content", "")
        case ReasoningDelta(text):
            answer["reasoning_content"] = answer.get("reasoning_content", "") + text
        case Done():
            pass
