"""`pagelm site`: arguments to `pagelm_builder.site`. It knows nothing of pages or hosts."""

from __future__ import annotations

from argparse import BooleanOptionalAction, Namespace
from pathlib import Path

from pagelm_builder.commands.node_modules_argument import add_node_modules_argument
from pagelm_builder.commands.subparsers import Subparsers
from pagelm_builder.progress_line import ProgressLine


def add_parser(commands: Subparsers) -> None:
    site = commands.add_parser("site", help="put page, runtime and bundles into one static folder")
    site.add_argument(
        "bundles", nargs="+", type=Path, metavar="BUNDLE", help="bundles; the first is the default model"
    )
    site.add_argument(
        "--out", type=Path, default=Path("dist"), metavar="DIR", help="folder to write (default: dist)"
    )
    add_node_modules_argument(site)
    site.add_argument(
        "--host-compresses",
        action=BooleanOptionalAction,
        default=True,
        help="whether the host compresses .zip and .whl or serves their .br and .gz, as `pagelm serve` does "
        "(default: yes); if not, Python's files are deflated in place: a third more to download than "
        "compressed as a whole, but less than not at all",
    )
    site.add_argument(
        "--compression",
        choices=("fast", "smallest"),
        default="fast",
        help="how hard to compress the .br and .gz beside the files; smallest: a few per cent less to "
        "download, minutes to make (default: fast)",
    )
    site.set_defaults(run=run)


def run(arguments: Namespace) -> None:
    from pagelm_builder.site import build_site

    site = build_site(
        arguments.out,
        arguments.bundles,
        node_modules=arguments.node_modules,
        host_compresses=arguments.host_compresses,
        compression=arguments.compression,
        progress=ProgressLine(),
    )
    print(f"wrote {site}: any static host can serve it, or: pagelm serve {site}")
