"""What the prompt of any next question begins with: to be read before the question is known.

A chat rendered without a question is not that: a template may show the last answer otherwise before one
(Qwen3's leaves out what it thought). So two questions are rendered, and what both prompts share is it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import takewhile

from pagelm.chat_template import Message

_QUESTIONS = ("a", "b")


def encode_preface(
    messages: Sequence[Message], encode: Callable[[Sequence[Message]], list[int]]
) -> list[int]:
    """Token ids that the next prompt begins with, whatever is asked.

    Args:
        messages: The chat so far.
        encode: Gives the prompt of a chat.
    """
    first, other = (encode([*messages, {"role": "user", "content": question}]) for question in _QUESTIONS)
    shared = takewhile(lambda pair: pair[0] == pair[1], zip(first, other, strict=False))
    return [token_id for token_id, _ in shared]
