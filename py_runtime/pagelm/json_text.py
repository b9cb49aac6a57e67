"""Reads JSON that others wrote, of a depth that every Python survives.

Python's own reader recurses: CPython raises RecursionError when it is too deep, but Pyodide's stack ends
before that and takes the interpreter with it. So depth is counted first, in one pass.
"""

from __future__ import annotations

import json
import re
from typing import Final

MAX_DEPTH: Final = 64
# a string that never ends is one match too: tried again from each of its quotes, it would take forever
_BRACKETS: Final = re.compile(r'"(?:[^"\\]|\\.)*+\\?(?:"|\Z)|([\[{])|([\]}])', re.DOTALL)


def load_json(text: str | bytes) -> object:
    """The value of a JSON text.

    Raises:
        ValueError: It is not JSON, not UTF-8, or deeper than `MAX_DEPTH`; the message says where.
    """
    if isinstance(text, bytes):
        text = text.decode()
    _check_depth(text)
    value: object = json.loads(text)
    return value


def _check_depth(text: str) -> None:
    if text.count("[") + text.count("{") <= MAX_DEPTH:
        return
    depth = 0
    for match in _BRACKETS.finditer(text):
        if match[1]:
            depth += 1
            if depth > MAX_DEPTH:
                raise ValueError(f"it nests deeper than {MAX_DEPTH} at character {match.start()}")
        elif match[2]:
            depth -= 1
