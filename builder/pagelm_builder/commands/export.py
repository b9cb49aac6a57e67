"""`pagelm export`: arguments to `pagelm_builder.export`. It knows no checkpoint from another."""

from __future__ import annotations

from argparse import Namespace
from pathlib import Path

from pagelm_builder.commands.subparsers import Subparsers
from pagelm_builder.embedded_model import EMBEDDED_MODEL, embedded_checkpoint
from pagelm_builder.progress_line import ProgressLine


def add_parser(commands: Subparsers) -> None:
    export = commands.add_parser("export", help="turn a checkpoint into a bundle of int4 graphs")
    export.add_argument(
        "source",
        metavar="SRC",
        help=f"folder of a checkpoint, or '{EMBEDDED_MODEL}', which comes with pagelm",
    )
    export.add_argument("--out", type=Path, required=True, metavar="DIR", help="folder of the bundle")
    export.add_argument("--name", help="name of the model in the page (default: the source folder's name)")
    export.set_defaults(run=run)


def run(arguments: Namespace) -> None:
    from pagelm_builder.export import export_bundle

    embedded = arguments.source == EMBEDDED_MODEL
    source = embedded_checkpoint() if embedded else Path(arguments.source)
    name = arguments.name or (EMBEDDED_MODEL if embedded else source.resolve().name)
    bundle = export_bundle(source, arguments.out, name=name, progress=ProgressLine())
    print(f"wrote {bundle}")
