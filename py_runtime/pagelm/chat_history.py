"""What was said in a conversation, and what of it a model is shown: how much of the context that takes, and
reading it before the next question.

Asks nothing and adds nothing: `Chat` does.
"""

from __future__ import annotations

from collections.abc import Sequence

from pagelm.chat_messages import ChatMessage
from pagelm.chat_model import ChatModel
from pagelm.context_overflow import OverflowPolicy
from pagelm.engine_steps import Cancellation
from pagelm.tools import Function, Tool, Toolbox
from pagelm.waiting import waiting_twin


class ChatHistory:
    """The messages of one conversation.

    Args:
        model: Answers.
        system: What the model is told before all else.
        enable_thinking: Whether it reasons before it answers; may be set between two questions.
            None: if the model can.
        overflow: What to do when a question leaves too little of the context to its answer: refuse it, or
            show the model the oldest turns no more (`messages` keeps them).
    """

    def __init__(
        self,
        model: ChatModel,
        system: str | None = None,
        *,
        enable_thinking: bool | None = None,
        overflow: OverflowPolicy = "error",
    ) -> None:
        self._model = model
        self.enable_thinking = model.will_think((), enable_thinking=enable_thinking)
        self.overflow: OverflowPolicy = overflow
        self._system: list[ChatMessage] = []
        if system is not None:
            self._system.append({"role": "system", "content": system})
        self._turns: list[ChatMessage] = []
        self._dropped = 0

    @property
    def messages(self) -> list[ChatMessage]:
        """A copy of the history, oldest first: system, then questions and answers in turn. Reasoning is an
        answer's `reasoning_content`."""
        return [message.copy() for message in (*self._system, *self._turns)]

    @property
    def shown_messages(self) -> list[ChatMessage]:
        """As `messages`, without the turns that the context had no more room for."""
        return [message.copy() for message in (*self._system, *self._turns[self._dropped :])]

    async def prefill_system(
        self, *, tools: Sequence[Function | Tool] = (), cancellation: Cancellation | None = None
    ) -> None:
        """Let the model read the system prompt, the tools, and what has been said so far, before the next
        question.

        Args:
            tools: As the question will be asked with.
            cancellation: Set it to end before the next piece; what has been read stays.

        Raises:
            PagelmError: As `LanguageModel.prefill`.
        """
        await self._model.prefill(
            self.shown_messages,
            enable_thinking=self.enable_thinking,
            tools=Toolbox(tools).schemas,
            cancellation=cancellation,
        )

    prefill_system_sync = waiting_twin(prefill_system)

    def count_tokens(self, text: str, *, tools: Sequence[Function | Tool] = ()) -> int:
        """How many tokens of the context a prompt with this question would take.

        Args:
            text: The question.
            tools: As it will be asked with.

        Raises:
            TemplateError: As `LanguageModel.count_tokens`.
        """
        asked: ChatMessage = {"role": "user", "content": text}
        return self._model.count_tokens(
            [*self.shown_messages, asked],
            enable_thinking=self.enable_thinking,
            tools=Toolbox(tools).schemas,
        )

    @property
    def context_used(self) -> int:
        """How many tokens of the context the conversation takes before the next question, with the opening of
        a reply and without tools."""
        shown = self.shown_messages
        return (
            self._model.count_tokens(shown, enable_thinking=self.enable_thinking, tools=None) if shown else 0
        )

    @property
    def context_size(self) -> int:
        """How many tokens conversation and answer may have together."""
        return self._model.context_size
