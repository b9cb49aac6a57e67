"""Unicode NFC exactly as Hugging Face `tokenizers` computes it, on any Python.

It refuses to know tokens. `tokenizers` composes by an older Unicode than the interpreters that pagelm runs
on, so the code points which only newer versions move or join (`_unicode_tables.INERT`) are stepped around: to
the older version they are unassigned, and an unassigned code point is a starter that composes with nothing.
"""

from __future__ import annotations

import re
import unicodedata
from functools import cache

from pagelm._unicode_tables import INERT


def normalize_nfc(text: str) -> str:
    """NFC of `text`; lone surrogates must have been replaced before."""
    # What is NFC by the newer tables is NFC by the older ones too: those only reorder and compose less.
    if text.isascii() or unicodedata.is_normalized("NFC", text):
        return text
    pieces = _inert_pattern().split(text)
    # The odd pieces are the inert runs themselves, because the pattern has one group.
    pieces[::2] = [unicodedata.normalize("NFC", piece) for piece in pieces[::2]]
    return "".join(pieces)


def replace_surrogates(text: str) -> str:
    """Join surrogate pairs and turn lone surrogates into U+FFFD; JavaScript strings may hold both."""
    return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")


@cache
def _inert_pattern() -> re.Pattern[str]:
    ranges = (f"{chr(start)}-{chr(end - 1)}" for start, end in zip(INERT[::2], INERT[1::2], strict=True))
    return re.compile(f"([{''.join(ranges)}]+)")
