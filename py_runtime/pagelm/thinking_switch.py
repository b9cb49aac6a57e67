"""The soft switch of Qwen3's card: `/think` and `/no_think` in what user or system say; the last counts.

It holds only while thinking is enabled at all. A mention is no switch: in code (between backquotes), in
double quotes or corner brackets, behind a backslash, or as a part of a longer word or path. Chinese and
Japanese, which put no spaces between words, end one anywhere. Reads messages and changes none.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final

from pagelm.chat_template import Message

_MENTIONS: Final = re.compile(
    r"""
      ```.*?(?:```|\Z)        # a fenced block, also one that is never closed
    | (`+)(?!`).*?(?<!`)\1(?!`)  # a span of code
    | "[^"\n]*" | “[^”\n]*” | 「[^」\n]*」 | 『[^』\n]*』  # a quotation
    """,
    re.DOTALL | re.VERBOSE,
)
_EAST_ASIAN: Final = (
    r"\u3001\u3002\u3010\u3011\uff01\uff08\uff09\uff0c\uff1a\uff1b\uff1f\u2014\u2026"  # punctuation
    r"\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003134f"  # kana, ideographs
)
_SWITCH: Final = re.compile(
    # a full stop ends a sentence only behind a word: ./think and ../think are paths, as C:/think is
    rf"(?:(?<![^\s,;!?(){_EAST_ASIAN}])|(?<=\w\.))/(no_)?think(?=[\s.,;:!?){_EAST_ASIAN}]|\Z)"
)
_ROLES: Final = ("system", "user")


def is_thinking_switched_off(messages: Sequence[Message]) -> bool:
    """Whether the last switch in the messages is `/no_think`."""
    for message in reversed(messages):
        content = message.get("content")
        if message.get("role") in _ROLES and isinstance(content, str) and "think" in content:
            switches = _SWITCH.findall(_MENTIONS.sub('""', content))
            if switches:
                return bool(switches[-1])
    return False
