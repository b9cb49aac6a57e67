"""The seam between a conversation and what answers in it."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Sequence
from typing import Protocol

from pagelm.chat_template import Message, Tools
from pagelm.context_overflow import OverflowPolicy
from pagelm.engine_steps import Cancellation
from pagelm.events import ReplyEvent
from pagelm.response_format import ResponseFormat
from pagelm.sampling_options import SamplingOptions


class ChatModel(Protocol):
    """Whatever answers messages; `LanguageModel` does."""

    @property
    def name(self) -> str: ...

    @property
    def context_size(self) -> int: ...

    def reply(
        self,
        messages: Sequence[Message],
        *,
        enable_thinking: bool,
        sampling: SamplingOptions | None,
        max_new_tokens: int | None,
        thinking_budget: int | None,
        stop: Sequence[str],
        top_logprobs: int | None,
        tools: Tools | None,
        response_format: ResponseFormat | None,
        overflow: OverflowPolicy,
        prompt_lookup: bool,
        cancellation: Cancellation | None,
    ) -> AsyncGenerator[ReplyEvent, None]: ...

    def will_think(self, messages: Sequence[Message], *, enable_thinking: bool | None) -> bool: ...

    def default_sampling(
        self, messages: Sequence[Message], *, enable_thinking: bool | None
    ) -> SamplingOptions: ...

    async def prefill(
        self,
        messages: Sequence[Message],
        *,
        enable_thinking: bool,
        tools: Tools | None,
        cancellation: Cancellation | None,
    ) -> None: ...

    def count_tokens(
        self, messages: Sequence[Message], *, enable_thinking: bool, tools: Tools | None
    ) -> int: ...
