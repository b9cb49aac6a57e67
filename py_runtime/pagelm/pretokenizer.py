"""Cuts text into the pieces inside which byte pairs may merge, as three families of tokenizers do.

It refuses to know bytes and tokens. `qwen2` (Qwen2, Qwen3) and `llama3` are one pattern each, which differ in
how many digits stay together; `smollm` (SmolLM2) first sets every digit apart, then cuts what lies between
by GPT-2's pattern.

Python's `re` has no `\\p{L}`, and its `\\s` also takes U+001C–U+001F. Every character only matters by its
class, so the text is first mapped to one ASCII stand-in per class, a pattern runs on that shadow, and its
spans cut the real text.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from typing import Final, Literal

from pagelm._unicode_tables import LETTERS, NUMBERS

PatternName = Literal["qwen2", "llama3", "smollm"]

QWEN2_PATTERN: Final = (
    r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}"
    r"| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
)
"""As tokenizer.json writes it."""
LLAMA3_PATTERN: Final = QWEN2_PATTERN.replace(r"|\p{N}|", r"|\p{N}{1,3}|")

# The same on the shadow. re.ASCII makes \s the six ASCII members of White_Space.
_WORDS = r"'(?:[stmdSTMD]|[rR][eE]|[vV][eE]|[lL][lL])|[^\r\na-zA-Z0-9]?[a-zA-Z]+"
_OTHERS = r"| ?[^\sa-zA-Z0-9]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
_SHADOW_PATTERNS: Final[dict[PatternName, re.Pattern[str]]] = {
    "qwen2": re.compile(f"{_WORDS}|[0-9]{_OTHERS}", re.ASCII),
    "llama3": re.compile(f"{_WORDS}|[0-9]{{1,3}}{_OTHERS}", re.ASCII),
    # A digit ends the text that GPT-2's pattern sees, so white space before one stays whole.
    "smollm": re.compile(
        r"[0-9]|'(?:[sdmt]|ll|ve|re)| ?[a-zA-Z]+| ?[^\sa-zA-Z0-9]+|\s+(?![^\s0-9])|\s+", re.ASCII
    ),
}
PATTERN_NAMES: Final = tuple(_SHADOW_PATTERNS)

# The letter must not occur in a contraction; the space must not be U+0020, which the patterns name.
_LETTER, _NUMBER, _SPACE, _OTHER = "a", "0", "\t", "!"
_WIDE_SPACES = frozenset([0x85, 0xA0, 0x1680, *range(0x2000, 0x200B), 0x2028, 0x2029, 0x202F, 0x205F, 0x3000])
"""White_Space above ASCII (PropList.txt)."""
_LONG_S = 0x17F
"""Folds to s, so `(?i:'s)` takes it; GPT-2's pattern does not fold."""
_YOUNG_DIGITS = frozenset([*range(0x11DE0, 0x11DEA), *range(0x16FF4, 0x16FF7)])
"""Numbers of Unicode 17, by which `tokenizers` sets digits apart, though its patterns go by Unicode 16."""


class _Shadow(dict[int, str]):
    """Code point → stand-in, filled as code points are met; for `str.translate`."""

    def __init__(self, exceptions: dict[int, str]) -> None:
        super().__init__(exceptions)

    def __missing__(self, code_point: int) -> str:
        stand_in = self[code_point] = _stand_in(code_point)
        return stand_in


def _stand_in(code_point: int) -> str:
    if code_point < 0x80:
        return chr(code_point)
    if bisect_right(LETTERS, code_point) % 2:
        return _LETTER
    if bisect_right(NUMBERS, code_point) % 2:
        return _NUMBER
    return _SPACE if code_point in _WIDE_SPACES else _OTHER


class Pretokenizer:
    """Splits text by one of the patterns; holds the classes of the code points it has met."""

    def __init__(self, pattern: PatternName) -> None:
        self._pattern = _SHADOW_PATTERNS[pattern]
        self._shadow = _Shadow(
            dict.fromkeys(_YOUNG_DIGITS, _NUMBER) if pattern == "smollm" else {_LONG_S: "s"}
        )

    def split(self, text: str) -> list[str]:
        """The pieces of `text`, in order; joined they are `text`."""
        if text.isascii():
            return self._pattern.findall(text)
        shadow = text.translate(self._shadow)
        return [text[match.start() : match.end()] for match in self._pattern.finditer(shadow)]
