"""The arguments --reference and --text of commands that compare a bundle with its checkpoint."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from dataclasses import dataclass
from pathlib import Path

from pagelm_builder.embedded_model import EMBEDDED_MODEL, embedded_checkpoint


@dataclass(frozen=True, slots=True)
class Reference:
    """A checkpoint, and the text that it is compared on."""

    checkpoint: Path
    text: Path


def add_reference_arguments(parser: ArgumentParser, *, required: bool) -> None:
    parser.add_argument(
        "--reference",
        required=required,
        metavar="SRC",
        help=f"the checkpoint that the bundle was exported from: a folder, or '{EMBEDDED_MODEL}'",
    )
    parser.add_argument(
        "--text",
        type=Path,
        metavar="FILE",
        help="text, or .jsonl of texts and chats (default: the checkpoint's evaluation.jsonl, else one that "
        "comes with pagelm)",
    )


def read_reference_arguments(arguments: Namespace) -> Reference:
    """What was named; `--reference` must have been given."""
    from pagelm_builder.documents import evaluation_file

    embedded = arguments.reference == EMBEDDED_MODEL
    checkpoint = embedded_checkpoint() if embedded else Path(arguments.reference)
    return Reference(checkpoint, arguments.text or evaluation_file(checkpoint))
