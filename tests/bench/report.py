"""How the bench speaks: figures as Markdown on standard output, where it is on standard error."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Sequence


def say(stage: str) -> None:
    print(f"bench: {stage} …", file=sys.stderr, flush=True)


def table(title: str, header: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A Markdown table under a heading."""
    lines = [header, ["---"] * len(header), *rows]
    return "\n".join([f"### {title}\n", *(f"| {' | '.join(line)} |" for line in lines), ""])
