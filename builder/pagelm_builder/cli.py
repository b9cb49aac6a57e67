"""The `pagelm` command: reads arguments, calls one function, says what came of it.

It knows nothing of graphs, bundles or sites, and imports each piece only when its subcommand runs, so that
`pagelm serve` needs no onnx and `pagelm export` no web server. A `PagelmError` ends in one message and exit
status 1.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path

from pagelm.errors import PagelmError

EMBEDDED_MODEL = "pico"


def embedded_checkpoint() -> Path:
    """Folder of the checkpoint of pico, the model that this package carries."""
    return Path(__file__).parent / "pico" / "checkpoint"


def make_parser() -> argparse.ArgumentParser:
    """Build the parser; every subcommand stores the function that runs it as `run`."""
    parser = argparse.ArgumentParser(prog="pagelm", description="Qwen3 inside a web page, driven by Python.")
    parser.add_argument("--version", action="version", version=f"pagelm {version('pagelm')}")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    export = commands.add_parser("export", help="turn a checkpoint into a bundle of int4 graphs")
    export.add_argument(
        "source",
        metavar="SRC",
        help=f"folder of a checkpoint, or '{EMBEDDED_MODEL}', which comes with pagelm",
    )
    export.add_argument("--out", type=Path, required=True, metavar="DIR", help="folder of the bundle")
    export.add_argument("--name", help="name of the model in the page (default: the source folder's name)")
    export.set_defaults(run=run_export)

    site = commands.add_parser("site", help="put page, runtime and bundles into one static folder")
    site.add_argument(
        "bundles", nargs="+", type=Path, metavar="BUNDLE", help="bundles; the first is the default model"
    )
    site.add_argument(
        "--out", type=Path, default=Path("dist"), metavar="DIR", help="folder to write (default: dist)"
    )
    site.add_argument(
        "--node-modules",
        type=Path,
        default=Path("node_modules"),
        metavar="DIR",
        help="where npm put pyodide, onnxruntime-web, marked and dompurify (default: node_modules)",
    )
    site.set_defaults(run=run_site)

    serve = commands.add_parser("serve", help="serve such a folder on this machine")
    serve.add_argument(
        "folder", nargs="?", type=Path, default=Path("dist"), metavar="DIR", help="the folder (default: dist)"
    )
    serve.add_argument("--host", default="127.0.0.1", help="address to listen on (default: loopback only)")
    serve.add_argument("--port", type=int, default=8000, help="port to listen on, 0 for any (default: 8000)")
    serve.set_defaults(run=run_serve)
    return parser


class ProgressLine:
    """Shows `stage done/total` on one terminal line that overwrites itself; silent where nobody watches."""

    def __init__(self) -> None:
        self._shown = sys.stderr.isatty()

    def __call__(self, stage: str, done: int, total: int) -> None:
        if self._shown:
            end = "\n" if done >= total else ""
            sys.stderr.write(f"\r\x1b[2K{stage} {done}/{total}{end}")
            sys.stderr.flush()


def run_export(arguments: argparse.Namespace) -> None:
    from pagelm_builder.export import export_bundle

    embedded = arguments.source == EMBEDDED_MODEL
    source = embedded_checkpoint() if embedded else Path(arguments.source)
    name = arguments.name or (EMBEDDED_MODEL if embedded else source.resolve().name)
    bundle = export_bundle(source, arguments.out, name=name, progress=ProgressLine())
    print(f"wrote {bundle}")


def run_site(arguments: argparse.Namespace) -> None:
    from pagelm_builder.site import build_site

    site = build_site(
        arguments.out, arguments.bundles, node_modules=arguments.node_modules, progress=ProgressLine()
    )
    print(f"wrote {site}: any static host can serve it, or: pagelm serve {site}")


def run_serve(arguments: argparse.Namespace) -> None:
    from pagelm_builder.serve import serve

    serve(arguments.folder, host=arguments.host, port=arguments.port)


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
    return 0


if __name__ == "__main__":
    sys.exit(main())
