"""Cuts text into the pieces inside which byte pairs may merge: Qwen2's and Qwen3's pre-tokenizer.

It refuses to know bytes and tokens. The pattern of the checkpoint is

    (?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\\r\\n\\p{L}\\p{N}]?\\p{L}+|\\p{N}
    | ?[^\\s\\p{L}\\p{N}]+[\\r\\n]*|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+

Python's `re` has no `\\p{L}`, and its `\\s` also takes U+001C–U+001F. Every character only matters by its
class, so the text is first mapped to one ASCII stand-in per class, the pattern runs on that shadow, and its
spans cut the real text.
"""

from __future__ import annotations

import re
from bisect import bisect_right

from pagelm._unicode_tables import LETTERS, NUMBERS

QWEN2_PATTERN = (
    r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}"
    r"| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
)
"""As tokenizer.json writes it."""

# The same on the shadow. re.ASCII makes \s the six ASCII members of White_Space.
_SHADOW_PATTERN = re.compile(
    r"'(?:[stmdSTMD]|[rR][eE]|[vV][eE]|[lL][lL])|[^\r\na-zA-Z0-9]?[a-zA-Z]+|[0-9]"
    r"| ?[^\sa-zA-Z0-9]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+",
    re.ASCII,
)

# The letter must not occur in a contraction; the space must not be U+0020, which the pattern names.
_LETTER, _NUMBER, _SPACE, _OTHER = "a", "0", "\t", "!"
_WIDE_SPACES = frozenset([0x85, 0xA0, 0x1680, *range(0x2000, 0x200B), 0x2028, 0x2029, 0x202F, 0x205F, 0x3000])
"""White_Space above ASCII (PropList.txt)."""
_LONG_S = 0x17F
"""Folds to s, so `(?i:'s)` takes it."""


class _Shadow(dict[int, str]):
    """Code point → stand-in, filled as code points are met; for `str.translate`."""

    def __missing__(self, code_point: int) -> str:
        stand_in = self[code_point] = _stand_in(code_point)
        return stand_in


def _stand_in(code_point: int) -> str:
    if code_point < 0x80:
        return chr(code_point)
    if code_point == _LONG_S:
        return "s"
    if bisect_right(LETTERS, code_point) % 2:
        return _LETTER
    if bisect_right(NUMBERS, code_point) % 2:
        return _NUMBER
    return _SPACE if code_point in _WIDE_SPACES else _OTHER


class Qwen2Pretokenizer:
    """Splits text by Qwen2's pattern; holds the classes of the code points it has met."""

    def __init__(self) -> None:
        self._shadow = _Shadow()

    def split(self, text: str) -> list[str]:
        """The pieces of `text`, in order; joined they are `text`."""
        if text.isascii():
            return _SHADOW_PATTERN.findall(text)
        shadow = text.translate(self._shadow)
        return [text[match.start() : match.end()] for match in _SHADOW_PATTERN.finditer(shadow)]
