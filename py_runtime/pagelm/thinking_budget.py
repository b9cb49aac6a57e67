"""How long a reply may reason, and with which tokens its reasoning is closed when it would go on.

The text is the one that Qwen closes the reasoning of its own models with (Qwen3's technical report, "thinking
budget"), so that they go on to an answer. Whatever the budget, a part of the reply's tokens is kept for the
answer: no reply ends inside its reasoning with nothing said. Counts tokens; chooses none.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from pagelm.errors import ContextOverflowError, SamplingError, ThinkingError
from pagelm.thinking import CLOSE_TAG
from pagelm.tokenizer import Tokenizer

CLOSING_SENTENCE = (
    "\n\nConsidering the limited time by the user, I have to give the solution based on the thinking "
    "directly now.\n"
)
ANSWER_RESERVE_TOKENS = 256
"""What is kept for the answer, where the reply may have at least four times as many tokens."""


@dataclass(frozen=True, slots=True)
class ThinkingBudget:
    """When and how to close the reasoning of one reply.

    Attributes:
        reasoning_tokens: Close it after so many, `<think>` included.
        closing: Token ids that close it.
    """

    reasoning_tokens: int
    closing: tuple[int, ...]

    def close(self, reasoning_tokens: int) -> Sequence[int]:
        """What has to be said next after so many tokens of open reasoning: mostly nothing."""
        return self.closing if reasoning_tokens >= self.reasoning_tokens else ()

    def check_room(self, reply_tokens: int, max_new_tokens: int | None) -> None:
        """Whether a reply that reasons can come to a word of its answer.

        Args:
            reply_tokens: Most tokens of the reply; 0 is for who counts the prompt to refuse.
            max_new_tokens: What was asked for; None: what the context holds.

        Raises:
            SamplingError: `max_new_tokens` is too small.
            ContextOverflowError: The context leaves too little.
        """
        least = 1 + len(self.closing) + 1  # <think>, what closes it, and an answer
        if not 0 < reply_tokens < least:
            return
        if reply_tokens == max_new_tokens:
            raise SamplingError(
                f"max_new_tokens is {max_new_tokens}",
                expected=f"at least {least} where the model thinks before it answers",
                remedy="Allow more, or switch thinking off.",
            )
        raise ContextOverflowError(
            f"the context has room for {reply_tokens} more tokens",
            expected=f"at least {least} where the model thinks before it answers",
            remedy="Shorten the conversation, start a new one, or switch thinking off.",
        )


def plan_thinking(
    tokenizer: Tokenizer, *, model_thinks: bool, reply_tokens: int, thinking_budget: int | None
) -> ThinkingBudget | None:
    """The budget of a reply.

    The closing sentence is left out, so that only `</think>` is said, where it would take more than half of
    what the answer's reserve leaves.

    Args:
        tokenizer: Of the model; has `</think>` where the model thinks.
        model_thinks: Whether the model can reason at all.
        reply_tokens: Most tokens of reasoning and answer together.
        thinking_budget: Most tokens of reasoning that were asked for; None: what the reserve leaves.

    Returns:
        None for a model that does not think.

    Raises:
        SamplingError: `thinking_budget` is below 0.
        ThinkingError: `thinking_budget` is given for a model that does not think.
    """
    if not model_thinks:
        if thinking_budget is not None:
            raise no_thinking(f"thinking_budget is {thinking_budget}")
        return None
    if thinking_budget is not None and thinking_budget < 0:
        raise SamplingError(
            f"thinking_budget is {thinking_budget}",
            expected="at least 0",
            remedy="Leave it out for no limit; to have no reasoning, switch thinking off.",
        )
    close_id = tokenizer.special_ids[CLOSE_TAG]
    reserve = min(ANSWER_RESERVE_TOKENS, max(1, reply_tokens // 4))
    for sentence in (CLOSING_SENTENCE, ""):
        closing = _closing_ids(tokenizer, sentence, close_id)
        room = reply_tokens - reserve - len(closing)
        if room >= len(closing):
            break
    asked = room if thinking_budget is None else thinking_budget
    return ThinkingBudget(max(0, min(asked, room)), closing)


def no_thinking(problem: str) -> ThinkingError:
    """The error for what asks a model to think that does not."""
    return ThinkingError(
        f"{problem}, and the model does not think",
        expected="an answer without reasoning",
        remedy="Leave it out, or load a model that thinks.",
    )


def _closing_ids(tokenizer: Tokenizer, sentence: str, close_id: int) -> tuple[int, ...]:
    return (*tokenizer.encode(sentence), close_id, *tokenizer.encode("\n\n"))
