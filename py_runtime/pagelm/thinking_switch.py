"""The soft switch of Qwen3's card: `/think` and `/no_think` in what user or system say; the last counts.

It holds only while thinking is enabled at all. A mention is no switch: in code (between backquotes), in
double quotes, behind a backslash, or as a part of a longer word. Reads messages and changes none.
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
    | "[^"\n]*" | “[^”\n]*”   # a quotation
    """,
    re.DOTALL | re.VERBOSE,
)
_SWITCH: Final = re.compile(r"(?<!\S)/(no_)?think(?=[\s.,;:!?)]|\Z)")
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
