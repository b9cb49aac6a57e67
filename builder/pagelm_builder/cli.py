"""The `pagelm` command: finds the subcommand, runs it, says what came of it.

It knows nothing of graphs, bundles or sites. The modules of `commands` import each piece only when their
subcommand runs, so that `pagelm serve` needs no onnx and `pagelm export` no web server. A `PagelmError` ends
in one message and exit status 1.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence
from importlib.metadata import version

from pagelm.errors import PagelmError
from pagelm_builder.commands import chat, eval, export, inspect, models, serve, site, verify

COMMANDS = (export, site, serve, chat, eval, inspect, verify, models)


def make_parser() -> argparse.ArgumentParser:
    """Build the parser; every subcommand stores the function that runs it as `run`."""
    parser = argparse.ArgumentParser(prog="pagelm", description="Qwen3 inside a web page, driven by Python.")
    parser.add_argument("--version", action="version", version=f"pagelm {version('pagelm')}")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    for command in COMMANDS:
        command.add_parser(commands)
    return parser


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one subcommand; returns the exit status."""
    parsed = make_parser().parse_args(arguments)
    try:
        parsed.run(parsed)
    except PagelmError as error:
        # one line, though some quote what a library said over several
        print(f"pagelm: {type(error).__name__}: {' '.join(str(error).split())}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130
    except BrokenPipeError:
        # whoever read the output left; what Python still holds for it must not be flushed at exit
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
