"""`pagelm serve`: arguments to `pagelm_builder.serve`. It knows nothing of HTTP."""

from __future__ import annotations

from argparse import Namespace
from pathlib import Path

from pagelm_builder.commands.subparsers import Subparsers


def add_parser(commands: Subparsers) -> None:
    serve = commands.add_parser("serve", help="serve such a folder on this machine")
    serve.add_argument(
        "folder", nargs="?", type=Path, default=Path("dist"), metavar="DIR", help="the folder (default: dist)"
    )
    serve.add_argument("--host", default="127.0.0.1", help="address to listen on (default: loopback only)")
    serve.add_argument("--port", type=int, default=8000, help="port to listen on, 0 for any (default: 8000)")
    serve.add_argument(
        "--allow-origin",
        metavar="ORIGIN",
        help="whose pages may fetch the models too, like https://example.org, or '*': for a site that was "
        "built with --base-url (default: nobody's)",
    )
    serve.add_argument(
        "--allow-host",
        action="append",
        default=[],
        metavar="NAME",
        help="a name that it may be opened by, beside addresses and localhost; may be given several times",
    )
    serve.set_defaults(run=run)


def run(arguments: Namespace) -> None:
    from pagelm_builder.serve import serve
    from pagelm_builder.serve.host_names import parse_host_name
    from pagelm_builder.weights_address import parse_origin

    allowed = arguments.allow_origin
    if allowed not in (None, "*"):
        allowed = parse_origin(allowed)
    serve(
        arguments.folder,
        host=arguments.host,
        port=arguments.port,
        allowed_origin=allowed,
        allowed_hosts=[parse_host_name(name) for name in arguments.allow_host],
    )
