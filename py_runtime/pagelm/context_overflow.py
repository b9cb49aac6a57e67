"""What to leave out of a chat that has grown beyond the context: its oldest turns, never its system prompt.

A turn is a question with all that follows it up to the next one. When one has to go, more go with it, so that
the room that is made lasts: each cut makes the model read all that is left again. Counts tokens with what it
is given; knows no tokenizer. Named as in the Prompt API, which drops oldest turns too.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Literal

from pagelm.chat_template import Message

OverflowPolicy = Literal["error", "truncate-oldest-turns"]
OVERFLOW_POLICIES: tuple[OverflowPolicy, ...] = ("error", "truncate-oldest-turns")
LEAST_ANSWER_SHARE = 1 / 8
"""A prompt that leaves less of the context than this to its answer has overflown …"""
KEPT_SHARE = 3 / 4
"""… and is cut to at most this share of it."""


def drop_oldest_turns(
    messages: Sequence[Message], *, count_tokens: Callable[[Sequence[Message]], int], context_size: int
) -> list[Message]:
    """The messages that fit; all of them where they do.

    The last turn always stays, and may be too long all by itself.

    Args:
        messages: The chat, oldest first.
        count_tokens: Tokens of a prompt of these messages.
        context_size: How many tokens prompt and reply may have together.
    """
    if count_tokens(messages) <= context_size * (1 - LEAST_ANSWER_SHARE):
        return list(messages)
    turns = [index for index, message in enumerate(messages) if message.get("role") == "user"]
    if not turns:
        return list(messages)
    before = list(messages[: turns[0]])
    for start in turns[1:]:
        kept = [*before, *messages[start:]]
        if count_tokens(kept) <= context_size * KEPT_SHARE:
            return kept
    return [*before, *messages[turns[-1] :]]
