"""How a line of a report looks: a label in a column of its own, sizes in units of 1000."""

from __future__ import annotations

LABEL = 18


def labelled(label: str, text: str) -> str:
    return f"{label:<{LABEL}}{text}"


def size(count: int) -> str:
    """Bytes for people."""
    return f"{count / 1e6:,.1f} MB" if count >= 1e6 else f"{count / 1e3:,.1f} kB"
