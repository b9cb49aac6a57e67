"""What a reply consists of, as it happens: reading, pieces of reasoning and answer, and how it ended.

Values only. The page's messages (docs/contracts.md, "Page ↔ worker") are these in camel case.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from pagelm.engine_steps import FinishReason, PrefillProgress
from pagelm.tool_calls import BrokenToolCall, ToolCall


@dataclass(frozen=True, slots=True)
class TurnsDropped:
    """The chat was too long: before anything else, its oldest turns were left out.

    Attributes:
        messages: How many messages they are; the system prompt is none of them.
    """

    messages: int


@dataclass(frozen=True, slots=True)
class ReasoningDelta:
    """A piece of what the model thinks before it answers; never empty, tags left out.

    >>> match ReasoningDelta("Ones 7+8=15"):
    ...     case ReasoningDelta(text):
    ...         text
    'Ones 7+8=15'
    """

    text: str


@dataclass(frozen=True, slots=True)
class TextDelta:
    """A piece of the answer; never empty.

    >>> "".join(piece.text for piece in (TextDelta("27 + 38 "), TextDelta("= 65")))
    '27 + 38 = 65'
    """

    text: str


@dataclass(frozen=True, slots=True)
class Usage:
    """What a reply took.

    Attributes:
        prompt_tokens: The whole conversation up to the reply; where the reply was stopped before, what had
            been read of it.
        cached_tokens: How many of these did not have to be run again.
        reasoning_tokens: New tokens up to and including `</think>`.
        answer_tokens: The other new tokens; the one that ends the sequence is not counted.
        prefill_ms: Time for `prompt_tokens - cached_tokens`, without the reader's between two events.
        decode_ms: Time for the new tokens, in the same way.
        context_used: Prompt and new tokens.
        context_size: How many tokens the context holds.
        key_value_bytes: Memory that the context's keys and values take, with the room they have to grow into.
        seed: What the draws came from; the same seed gives the same reply.
        reasoning_cut: Whether a thinking budget, or the answer's reserve, ended the reasoning.
        steps: How many runs of the model the new tokens took.
        replayed_tokens: Of the new tokens, those said before the reply was interrupted; `decode_ms` is for
            the others, and for reading these.

    >>> usage = Usage(36, 20, 34, 11, 8.0, 90.0, 81, 4096, 1048576, 7, False, 45)
    >>> usage.new_prompt_tokens, usage.prefill_tokens_per_second, usage.decode_tokens_per_second
    (16, 2000.0, 500.0)
    """

    prompt_tokens: int
    cached_tokens: int
    reasoning_tokens: int
    answer_tokens: int
    prefill_ms: float
    decode_ms: float
    context_used: int
    context_size: int
    key_value_bytes: int
    seed: int
    reasoning_cut: bool
    steps: int
    replayed_tokens: int = 0

    @property
    def tokens_per_step(self) -> float:
        """New tokens for each run of the model: 1 but for those that were guessed, or had to follow."""
        tokens = self.reasoning_tokens + self.answer_tokens - self.replayed_tokens
        return tokens / max(1, self.steps)

    @property
    def new_prompt_tokens(self) -> int:
        """How many tokens of the prompt had to be run."""
        return self.prompt_tokens - self.cached_tokens

    @property
    def prefill_tokens_per_second(self) -> float:
        """0.0 where nothing could be measured."""
        return 1000 * self.new_prompt_tokens / self.prefill_ms if self.prefill_ms else 0.0

    @property
    def decode_tokens_per_second(self) -> float:
        """Of reasoning and answer together; 0.0 where nothing could be measured."""
        tokens = self.reasoning_tokens + self.answer_tokens - self.replayed_tokens
        return 1000 * tokens / self.decode_ms if self.decode_ms else 0.0


def add_usages(first: Usage, then: Usage) -> Usage:
    """Of two replies in one turn: tokens and times of both; of the prompt, what the second says."""
    return replace(
        then,
        reasoning_tokens=first.reasoning_tokens + then.reasoning_tokens,
        answer_tokens=first.answer_tokens + then.answer_tokens,
        prefill_ms=first.prefill_ms + then.prefill_ms,
        decode_ms=first.decode_ms + then.decode_ms,
        reasoning_cut=first.reasoning_cut or then.reasoning_cut,
        steps=first.steps + then.steps,
        replayed_tokens=first.replayed_tokens + then.replayed_tokens,
    )


@dataclass(frozen=True, slots=True)
class Done:
    """Last event of a reply.

    Attributes:
        finish_reason: "stop": the model ended it, or a stop string did. "length": a limit did. "abort":
            someone did.
        usage: What it took.
    """

    finish_reason: FinishReason
    usage: Usage


@dataclass(frozen=True, slots=True)
class TokenLogprob:
    """A token and how likely the model found it.

    Attributes:
        token_id: Its id.
        token: Its bytes, which may be a part of a character.
        logprob: Natural logarithm of its probability among the whole vocabulary, before sampling options.

    >>> from math import exp
    >>> f"{exp(TokenLogprob(71, b'65', -0.0101).logprob):.0%}"
    '99%'
    """

    token_id: int
    token: bytes
    logprob: float


@dataclass(frozen=True, slots=True)
class Logprobs:
    """Comes before the pieces of text that a token gives, when log probabilities were asked for.

    Attributes:
        chosen: The token that was said.
        top: The likeliest in its place, descending; as many as were asked for.
    """

    chosen: TokenLogprob
    top: tuple[TokenLogprob, ...]


@dataclass(frozen=True, slots=True)
class ToolResult:
    """A tool has been run; comes after the `ToolCall` or `BrokenToolCall` that it answers.

    Attributes:
        call: What was asked for.
        content: What the model is told: text, JSON, or `{"error": …}`.

    >>> ToolResult(ToolCall("add", {"a": 27, "b": 38}), "65").call.arguments["b"]
    38
    """

    call: ToolCall | BrokenToolCall
    content: str


ReplyEvent = (
    TurnsDropped | PrefillProgress | Logprobs | ReasoningDelta | TextDelta | ToolCall | BrokenToolCall | Done
)
"""What a model's reply consists of."""
Event = ReplyEvent | ToolResult
"""What a chat's turn consists of."""
