"""Bars of characters in a given width. Knows numbers and names; not what they count, nor any terminal.

embedding and head  ██████▓▓  0.04 MB   6.2 %
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

SMALLEST_BAR = 10


@dataclass(frozen=True, slots=True)
class Bar:
    """One line: `segments` are drawn one behind the other, `note` stands to the right of all bars."""

    label: str
    segments: tuple[int, ...]
    note: str


def draw_bars(bars: Sequence[Bar], *, width: int, marks: Sequence[str]) -> list[str]:
    """Lines of at most `width` characters, unless labels and notes alone are longer.

    Args:
        bars: With as many segments as there are `marks`; the longest fills the width.
        width: Characters of a line.
        marks: One character for each segment.
    """
    if not bars:
        return []
    labels, notes = max(len(bar.label) for bar in bars), max(len(bar.note) for bar in bars)
    room = max(SMALLEST_BAR, width - labels - notes - 4)
    most = max(1, *(sum(bar.segments) for bar in bars))
    lines = []
    for bar in bars:
        drawn = _draw(bar.segments, room / most, marks)
        lines.append(f"{bar.label:<{labels}}  {drawn:<{room}}  {bar.note:>{notes}}")
    return lines


def _draw(segments: Sequence[int], scale: float, marks: Sequence[str]) -> str:
    """The ends are rounded, not the lengths, so that rounding does not add up along a bar."""
    drawn, end = "", 0
    for segment, mark in zip(segments, marks, strict=True):
        end += segment
        drawn += mark * (round(end * scale) - len(drawn))
    return drawn
