"""`pagelm inspect`: arguments to `pagelm_builder.inspect`, and the terminal that its report is fit to."""

from __future__ import annotations

import json
import os
import shutil
import sys
from argparse import Namespace

from pagelm_builder.commands.bundle_argument import add_bundle_argument, check_bundle_argument
from pagelm_builder.commands.subparsers import Subparsers

WIDEST, WHERE_NOBODY_LOOKS = 120, 100


def add_parser(commands: Subparsers) -> None:
    inspect = commands.add_parser(
        "inspect",
        help="say what a bundle is",
        description="Print what a bundle holds: the model, its graphs, where the bytes are. Runs nothing.",
    )
    add_bundle_argument(inspect)
    inspect.add_argument("--json", action="store_true", help="print one JSON object")
    inspect.set_defaults(run=run)


def run(arguments: Namespace) -> None:
    """Read and print.

    Raises:
        PagelmError: The bundle cannot be read.
    """
    from pagelm_builder.chat.terminal import Terminal
    from pagelm_builder.inspect.contents import read_contents
    from pagelm_builder.inspect.report import ASCII, BLOCKS, to_json, to_lines

    contents = read_contents(check_bundle_argument(arguments.bundle))
    if arguments.json:
        print(json.dumps(to_json(contents), indent=1, ensure_ascii=False))
        return
    marks = BLOCKS if _can_write("".join(BLOCKS)) else ASCII
    Terminal().answer("\n".join(to_lines(contents, width=_width(), marks=marks)) + "\n")


def _width() -> int:
    if not sys.stdout.isatty() and "COLUMNS" not in os.environ:
        return WHERE_NOBODY_LOOKS
    return min(WIDEST, shutil.get_terminal_size().columns)


def _can_write(characters: str) -> bool:
    try:
        characters.encode(sys.stdout.encoding or "ascii")
    except UnicodeEncodeError:
        return False
    return True
