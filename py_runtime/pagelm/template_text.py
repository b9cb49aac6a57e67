"""A string that remembers which of its characters the chat template itself wrote.

It refuses to know jinja and tokens. Only literals of the template's source start out as written by the
template; everything that comes from messages or tools is a plain `str`. Joining keeps the account, and every
operation that is not listed here forgets it, so that a mistake can only turn a marker into plain text and
never the other way round.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import SupportsIndex

Span = tuple[int, int]
"""Half-open: [start, end)."""


class TemplateText(str):
    """Text with the spans that the template wrote, ascending and not touching.

    `TemplateText(text)` has none, so that building one from a value claims nothing.
    """

    __slots__ = ("spans",)
    spans: tuple[Span, ...]

    def __new__(cls, text: str = "", spans: Iterable[Span] = ()) -> TemplateText:
        self = super().__new__(cls, text)
        self.spans = tuple(spans)
        return self

    def __str__(self) -> str:
        return self  # jinja passes each output through str(), which must not forget

    def __add__(self, other: str) -> str:
        return join_text((self, other)) if isinstance(other, str) else NotImplemented

    def __radd__(self, other: str) -> str:
        return join_text((other, self)) if isinstance(other, str) else NotImplemented

    def strip(self, chars: str | None = None, /) -> str:
        return self.lstrip(chars).rstrip(chars)

    def lstrip(self, chars: str | None = None, /) -> str:
        return self._cut(len(self) - len(super().lstrip(chars)), len(self))

    def rstrip(self, chars: str | None = None, /) -> str:
        return self._cut(0, len(super().rstrip(chars)))

    def __getitem__(self, key: SupportsIndex | slice) -> str:
        if isinstance(key, slice):
            start, stop, step = key.indices(len(self))
            if step == 1:
                return self._cut(start, max(start, stop))
        return super().__getitem__(key)

    def _cut(self, start: int, end: int) -> TemplateText:
        kept = ((max(span[0], start) - start, min(span[1], end) - start) for span in self.spans)
        return TemplateText(
            str.__getitem__(self, slice(start, end)), (span for span in kept if span[0] < span[1])
        )


def template_literal(text: str) -> TemplateText:
    """`text` as the template wrote it."""
    return TemplateText(text, [(0, len(text))] if text else ())


def join_text(parts: Iterable[str]) -> TemplateText:
    """The parts in order, each character keeping who wrote it."""
    parts = list(parts)
    spans: list[Span] = []
    length = 0
    for part in parts:
        for start, end in part.spans if isinstance(part, TemplateText) else ():
            if spans and spans[-1][1] == length + start:
                spans[-1] = (spans[-1][0], length + end)
            else:
                spans.append((length + start, length + end))
        length += len(part)
    return TemplateText("".join(parts), spans)
