"""What the bench prints: one Markdown table for a number of threads, with pagelm's share of each time."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeAlias

Json: TypeAlias = dict[str, Any]
OWN = "pagelm"


def table(threads: int, results: Mapping[str, Json]) -> str:
    """Args:
    results: By name, pagelm's among them: `figures` and `peak_bytes`; pagelm's `expansion_ms`, `session_ms`.
    """
    own = results[OWN]
    peers = [name for name in results if name != OWN]
    heads = ["", OWN, *(head for peer in peers for head in (peer, f"{OWN} / {peer}"))]
    rows = [
        [f"{kind}, {figure['context']:,} tokens", *_cells(results, peers, number, f"{kind}_ms")]
        for kind in ("prefill", "decode")
        for number, figure in enumerate(own["figures"])
    ]
    rows.append(["peak memory of the page's process, MB", *_memory_cells(results, peers)])
    lines = [
        f"### {threads} thread{'s' if threads > 1 else ''}, milliseconds a token",
        "",
        f"pagelm expanded its weights in {own['expansion_ms'] / 1000:.1f} s "
        f"and made its session in {own['session_ms'] / 1000:.1f} s.",
        "",
        _row(heads),
        "|---" * len(heads) + "|",
        *map(_row, rows),
        "",
    ]
    return "\n".join(lines)


def _row(cells: list[str]) -> str:
    return f"| {' | '.join(cells)} |"


def _cells(results: Mapping[str, Json], peers: list[str], number: int, key: str) -> list[str]:
    own = results[OWN]["figures"][number]
    cells = [_time(own, key)]
    for peer in peers:
        figure = results[peer]["figures"][number]
        is_measured = key in own and key in figure
        cells += [_time(figure, key), f"{own[key] / figure[key]:.2f}" if is_measured else "–"]
    return cells


def _time(figure: Json, key: str) -> str:
    if key in figure:
        return f"{figure[key]:.1f}"
    return f"left out: its prefill would take {figure['left_out_ms'] / 60_000:.0f} min"


def _memory_cells(results: Mapping[str, Json], peers: list[str]) -> list[str]:
    cells = [_megabytes(results[OWN]["peak_bytes"])]
    for peer in peers:
        cells += [_megabytes(results[peer]["peak_bytes"]), "–"]
    return cells


def _megabytes(size: int | None) -> str:
    return "not known here" if size is None else f"{size / 1e6:,.0f}"
