"""How many digits of a measured figure a manifest keeps."""

from __future__ import annotations


def rounded(value: float, digits: int = 4) -> float:
    """So many digits: more would differ from machine to machine."""
    return value if isinstance(value, int) else float(f"{value:.{digits}g}")
