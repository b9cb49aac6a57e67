"""Prints the bench as Markdown: where it ran, then one table per question."""

from __future__ import annotations

import os
import platform
import tempfile
from importlib.metadata import version
from pathlib import Path

from bench.in_browser import DecodeCosts, Speed, Startup, measure_browser
from bench.native import measure_native
from bench.qwen3_vocabulary import pack_qwen3_vocabulary
from bench.report import say, table
from bench.turns import TurnCost
from pyodide_runner import run_in_pyodide

ROOT = Path(__file__).parents[2]
BUNDLE = ROOT / "dist" / "models" / "pico"


def main() -> None:
    say("page")
    browser = measure_browser(ROOT / "dist")
    say("native")
    native = measure_native(BUNDLE)
    say("host overhead")
    overhead = in_pyodide("host_overhead", {})
    say("structured output")
    structured = in_pyodide("structured_output", {"tokenizer.bin": pack_qwen3_vocabulary()})
    print(f"pico on {os.cpu_count()} cores ({platform.machine()}), {browser.chromium}, ", end="")
    print(f"onnxruntime {version('onnxruntime')} natively; WebGPU is SwiftShader: software\n")
    print(startup_table(browser.startups))
    print(speed_table([*browser.speeds, native]))
    print(turns_table(browser.turns))
    print(overhead_table(overhead))
    print(structured_table(structured))
    print(dispatch_table(browser.decode_costs, browser.layers))


def in_pyodide(module: str, extra: dict[str, bytes]) -> dict[str, float | str]:
    with tempfile.TemporaryDirectory() as scratch:
        figures = run_in_pyodide(module, Path(scratch), extra=extra)
    assert isinstance(figures, dict)
    return figures


def startup_table(startups: list[Startup]) -> str:
    rows = [
        (
            startup.backend,
            f"{startup.first_ms / 1000:.1f} s",
            f"{startup.later_ms / 1000:.1f} s",
            f"{startup.wire_bytes / 1e6:.1f} MB",
        )
        for startup in startups
    ]
    return table(
        "From opening the page to ready", ("backend", "first visit", "later visit", "over the wire"), rows
    )


def speed_table(speeds: list[Speed]) -> str:
    slowest = min(speed.decode_tokens_per_second for speed in speeds)
    rows = [
        (
            speed.backend,
            f"{speed.prefill_tokens_per_second:,.0f}",
            f"{speed.decode_tokens_per_second:,.0f}",
            f"{speed.decode_tokens_per_second / slowest:.1f}",
        )
        for speed in speeds
    ]
    return table(
        "Speed (medians)", ("backend", "prefill tokens/s", "decode tokens/s", "decode, slowest = 1"), rows
    )


def turns_table(turns: list[TurnCost]) -> str:
    rows = [
        (
            str(cost.turn),
            f"{cost.prompt_tokens:g}",
            f"{cost.new_tokens:g}",
            f"{cost.first_token_ms:.0f} ms",
        )
        for cost in turns
    ]
    return table(
        "Time to the first token of turn N of a thinking conversation (WASM)",
        ("turn", "tokens of the conversation", "of them new", "first token after"),
        rows,
    )


def overhead_table(overhead: dict[str, float | str]) -> str:
    return table(
        "Python's share of a token (scripted backend, Pyodide under Node)", ("", ""), named(overhead)
    )


def structured_table(figures: dict[str, float | str]) -> str:
    title = "Structured output with Qwen3's 151,936 tokens (Pyodide under Node)"
    return table(title, ("", ""), named(figures))


def named(figures: dict[str, float | str]) -> list[tuple[str, str]]:
    return [(name.replace("_", " "), str(value)) for name, value in figures.items()]


def dispatch_table(costs: DecodeCosts, layers: int) -> str:
    total = sum(costs.dispatches.values())
    rows = [
        ("**all**", f"{total:g}"),
        (f"limit: 9 for each of {layers} layers + 6", f"{9 * layers + 6}"),
        ("bytes read back", f"{costs.read_back_bytes:g}"),
        *((name, f"{count:g}") for name, count in descending(costs.dispatches)),
    ]
    return table("WebGPU, per decoded token", ("kernel", "dispatches"), rows)


def descending(counts: dict[str, float]) -> list[tuple[str, float]]:
    return sorted(counts.items(), key=lambda item: -item[1])


if __name__ == "__main__":
    main()
