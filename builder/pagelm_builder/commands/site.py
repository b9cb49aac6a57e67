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
    site.add_argument(
        "--base-url",
        metavar="URL",
        help="folder of another origin where the bundles will be; the site is then without them, and the "
        "page fetches URL/NAME/manifest.json and what it names",
    )
    site.set_defaults(run=run)


def run(arguments: Namespace) -> None:
    from pagelm_builder.site import build_site
    from pagelm_builder.site.upload import describe_upload
    from pagelm_builder.weights_address import parse_weights_address

    weights = parse_weights_address(arguments.base_url) if arguments.base_url is not None else None
    site = build_site(
        arguments.out,
        arguments.bundles,
        node_modules=arguments.node_modules,
        host_compresses=arguments.host_compresses,
        compression=arguments.compression,
        weights=weights,
        progress=ProgressLine(),
    )
    print(f"wrote {site}: any static host can serve it, or: pagelm serve {site}")
    if weights is not None:
        print("\n".join(describe_upload(arguments.bundles, weights)))
