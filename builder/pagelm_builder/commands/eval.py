"""`pagelm eval`: arguments to `pagelm_builder.evaluate`, and its figures for people or for programs."""

from __future__ import annotations

import json
from argparse import Namespace
from pathlib import Path
from typing import TYPE_CHECKING

from pagelm_builder.commands.bundle_argument import add_bundle_argument, check_bundle_argument
from pagelm_builder.commands.reference_argument import add_reference_arguments, read_reference_arguments
from pagelm_builder.commands.subparsers import Subparsers
from pagelm_builder.progress_line import ProgressLine

if TYPE_CHECKING:
    from pagelm_builder.evaluate.comparison import Comparison


def add_parser(commands: Subparsers) -> None:
    evaluate = commands.add_parser(
        "eval",
        help="measure how far a bundle is from its checkpoint",
        description="Let a bundle's graph and the checkpoint, in float32, predict every token of the same "
        "text, and print how far apart they are.",
    )
    add_bundle_argument(evaluate)
    add_reference_arguments(evaluate, required=True)
    evaluate.add_argument(
        "--graph", choices=("native", "wasm"), default="native", help="wasm: as the page computes on WASM"
    )
    evaluate.add_argument("--json", action="store_true", help="print one JSON object")
    evaluate.set_defaults(run=run)


def run(arguments: Namespace) -> None:
    """Measure and print.

    Raises:
        PagelmError: The bundle, the checkpoint or the text cannot be used.
    """
    from pagelm_builder.documents import read_documents
    from pagelm_builder.evaluate.measure import measure_bundle

    bundle, reference = check_bundle_argument(arguments.bundle), read_reference_arguments(arguments)
    documents = read_documents(reference.text)
    comparison = measure_bundle(
        bundle, reference.checkpoint, documents, graph=arguments.graph, progress=ProgressLine()
    )
    show = _to_json if arguments.json else _to_lines
    print(show(comparison, arguments.graph, reference.text))


def _to_json(comparison: Comparison, graph: str, text: Path) -> str:
    from dataclasses import asdict

    return json.dumps({"graph": graph, "text": str(text), **asdict(comparison)}, indent=1)


def _to_lines(comparison: Comparison, graph: str, text: Path) -> str:
    return "\n".join(
        (
            f"graph {graph}, {comparison.positions} tokens of {text.name}",
            f"KL divergence    {comparison.kl_divergence_mean:.4f} nats per token",
            f"top-1 agreement  {comparison.top_1_agreement * 100:.1f} %",
            f"perplexity       {comparison.perplexity:.3f}, the checkpoint's own "
            f"{comparison.reference_perplexity:.3f}",
        )
    )
