"""What a generation consists of, step by step, and how to end it from outside: values, no work."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from pagelm.logprobs import StepLogprobs

FinishReason = Literal["stop", "length", "abort"]


class Cancellation:
    """A flag that ends a generation before its next token. Set it from anywhere in the same thread.

    Args:
        parent: Counts as well.

    >>> whole = Cancellation()
    >>> part = Cancellation(whole)
    >>> whole.cancel()
    >>> part.cancelled
    True
    """

    __slots__ = ("_cancelled", "_parent")

    def __init__(self, parent: Cancellation | None = None) -> None:
        self._cancelled = False
        self._parent = parent

    @property
    def cancelled(self) -> bool:
        return self._cancelled or (self._parent is not None and self._parent.cancelled)

    def cancel(self) -> None:
        self._cancelled = True


@dataclass(frozen=True, slots=True)
class PrefillProgress:
    """A piece of the prompt has been read, and more of it is to come.

    Attributes:
        read_tokens: How much of the prompt the cache holds by now.
        prompt_tokens: Length of the prompt.

    >>> progress = PrefillProgress(128, 512)
    >>> f"{progress.read_tokens / progress.prompt_tokens:.0%}"
    '25%'
    """

    read_tokens: int
    prompt_tokens: int


@dataclass(frozen=True, slots=True)
class Prefilled:
    """The prompt has been read, or as much of it as there was time for before a stop.

    Attributes:
        prompt_tokens: How many of its tokens the cache holds.
        cached_tokens: How many of them were in the cache already.
        prefill_ms: How long the others took, without the reader's own time.
        seed: What the draws come from.
    """

    prompt_tokens: int
    cached_tokens: int
    prefill_ms: float
    seed: int


@dataclass(frozen=True, slots=True)
class Token:
    """One new token; never one that ends the sequence.

    Attributes:
        token_id: Its id.
        logprobs: What the model thought of it, when that was asked for and the model chose it.
        replayed: Whether it was said before the reply was interrupted.
    """

    token_id: int
    logprobs: StepLogprobs | None = None
    replayed: bool = False


@dataclass(frozen=True, slots=True)
class Finished:
    """Last of a generation's steps.

    Attributes:
        finish_reason: "stop": the model ended it. "length": `max_new_tokens` or the context did. "abort":
            someone did.
        decode_ms: From the end of prefill to here, without the reader's own time.
        steps: How many runs the new tokens took; a token that ends the reply took one too.
    """

    finish_reason: FinishReason
    decode_ms: float
    steps: int


EngineStep = PrefillProgress | Prefilled | Token | Finished
