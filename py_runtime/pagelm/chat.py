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
from pagelm.context_overflow import OverflowPolicy
from pagelm.engine_steps import Cancellation
from pagelm.events import Event, ReasoningDelta, TextDelta, TurnsDropped
from pagelm.sampling_options import SamplingOptions
from pagelm.saved_chat import SavedChat, read_chat, save_chat


class ChatModel(Protocol):
    """Whatever answers messages; `LanguageModel` does."""

    @property
    def name(self) -> str: ...

    def reply(
        self,
        messages: Sequence[Message],
        *,
        enable_thinking: bool,
        sampling: SamplingOptions | None,
        max_new_tokens: int | None,
        thinking_budget: int | None,
        stop: Sequence[str],
        overflow: OverflowPolicy,
        cancellation: Cancellation | None,
    ) -> AsyncGenerator[Event, None]: ...

    async def prefill(self, messages: Sequence[Message], *, enable_thinking: bool) -> None: ...

    def count_tokens(self, messages: Sequence[Message], *, enable_thinking: bool) -> int: ...


class Chat:
    """One conversation.

    Args:
        model: Answers.
        system: What the model is told before all else.
        enable_thinking: Whether it reasons before it answers; may be set between two questions.
        overflow: What to do when a question leaves too little of the context to its answer: refuse it, or
            show the model the oldest turns no more (`messages` keeps them).
    """

    def __init__(
        self,
        model: ChatModel,
        system: str | None = None,
        *,
        enable_thinking: bool = True,
        overflow: OverflowPolicy = "error",
    ) -> None:
        self._model = model
        self.enable_thinking = enable_thinking
        self.overflow: OverflowPolicy = overflow
        self._system = [] if system is None else [{"role": "system", "content": system}]
        self._turns: list[dict[str, str]] = []
        self._dropped = 0

    @property
    def messages(self) -> list[dict[str, str]]:
        """A copy of the history, oldest first: system, then questions and answers in turn. Reasoning is an
        answer's `reasoning_content`."""
        return [dict(message) for message in (*self._system, *self._turns)]

    @property
    def shown_messages(self) -> list[dict[str, str]]:
        """As `messages`, without the turns that the context had no more room for."""
        return [dict(message) for message in (*self._system, *self._turns[self._dropped :])]

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
            [*self.shown_messages, asked],
            enable_thinking=self.enable_thinking,
            sampling=sampling,
            max_new_tokens=max_new_tokens,
            thinking_budget=thinking_budget,
            stop=stop,
            overflow=self.overflow,
            cancellation=cancellation,
        )
        async with aclosing(events):
            async for event in events:
                if isinstance(event, TextDelta) and not answer["content"]:
                    self._turns += (asked, answer)
                if isinstance(event, TurnsDropped):
                    self._dropped += event.messages
                _record(answer, event)
                yield event

    async def prefill_system(self) -> None:
        """Let the model read the system prompt, and what has been said so far, before the next question.

        Raises:
            PagelmError: As `LanguageModel.prefill`.
        """
        if shown := self.shown_messages:
            await self._model.prefill(shown, enable_thinking=self.enable_thinking)

    def count_tokens(self, text: str) -> int:
        """How many tokens of the context a prompt with this question would take.

        Raises:
            TemplateError: As `LanguageModel.count_tokens`.
        """
        asked = {"role": "user", "content": text}
        return self._model.count_tokens([*self.shown_messages, asked], enable_thinking=self.enable_thinking)

    def clone(self) -> Chat:
        """A branch: it knows what was said so far and goes its own way. What both share of a prompt is read
        again only when the other one has been answered in between, from the first difference on."""
        branch = Chat(self._model, enable_thinking=self.enable_thinking, overflow=self.overflow)
        branch._system = [dict(message) for message in self._system]
        branch._turns = [dict(message) for message in self._turns]
        branch._dropped = self._dropped
        return branch

    def export(self) -> str:
        """This conversation as JSON (`pagelm.saved_chat`)."""
        return save_chat(
            SavedChat(
                self._model.name, self.enable_thinking, self.overflow, self._dropped, tuple(self.messages)
            )
        )

    @classmethod
    def import_(cls, model: ChatModel, text: str) -> Chat:
        """The conversation that `export` wrote, to go on with.

        Raises:
            SavedChatError: It cannot be read, or another model answered in it.
        """
        saved = read_chat(text, model=model.name)
        chat = cls(model, enable_thinking=saved.enable_thinking, overflow=saved.overflow)
        first = 1 if saved.messages and saved.messages[0]["role"] == "system" else 0
        chat._system = list(saved.messages[:first])
        chat._turns = list(saved.messages[first:])
        chat._dropped = saved.dropped_messages
        return chat


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
        case _:
            pass
