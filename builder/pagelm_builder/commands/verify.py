"""`pagelm verify`: arguments to `pagelm_builder.verify`; what it finds, into the manifest and for people."""

from __future__ import annotations

import json
from argparse import ArgumentTypeError, Namespace
from pathlib import Path
from typing import TYPE_CHECKING

from pagelm_builder.commands.bundle_argument import add_bundle_argument, check_bundle_argument
from pagelm_builder.commands.node_modules_argument import add_node_modules_argument
from pagelm_builder.commands.reference_argument import add_reference_arguments, read_reference_arguments
from pagelm_builder.commands.subparsers import Subparsers
from pagelm_builder.errors import BrowserError
from pagelm_builder.progress_line import ProgressLine

if TYPE_CHECKING:
    from pagelm_builder.evaluate.comparison import Comparison


def add_parser(commands: Subparsers) -> None:
    verify = commands.add_parser(
        "verify",
        help="run a bundle in Chromium and on CPython and certify that both say the same",
        description="Load every graph, let each answer the bundle's examples in Chromium, compare token by "
        "token with the same arithmetic on CPython, and write what was found into manifest.json as the "
        "bundle's certificate. A bundle that fails keeps its manifest.",
    )
    add_bundle_argument(verify)
    verify.add_argument(
        "--chromium",
        type=Path,
        metavar="PATH",
        help="the browser (default: PAGELM_CHROMIUM, else one on PATH)",
    )
    verify.add_argument(
        "--gpu", action="store_true", help="compute on this machine's GPU (default: WebGPU in software)"
    )
    verify.add_argument(
        "--tokens",
        type=_count,
        default=16,
        metavar="N",
        help="most tokens after each prompt to compare (default: 16)",
    )
    add_node_modules_argument(verify)
    add_reference_arguments(verify, required=False)
    verify.add_argument("--json", action="store_true", help="print the certificate as one JSON object")
    verify.set_defaults(run=run)


def run(arguments: Namespace) -> None:
    """Verify, write the certificate, print it.

    Raises:
        PagelmError: The bundle fails, or cannot be verified; its manifest is as it was.
    """
    from pagelm.manifest import MANIFEST_FILE, load_manifest

    try:
        from pagelm_builder.verify.certificate import CERTIFICATE, make_certificate
        from pagelm_builder.verify.manifest_text import write_key
        from pagelm_builder.verify.verification import Environment, verify_bundle
    except ModuleNotFoundError as error:
        raise BrowserError(
            f"{error.name} is not installed",
            expected="what drives Chromium",
            remedy="Run: pip install 'pagelm[verify]'",
        ) from error
    bundle = check_bundle_argument(arguments.bundle)
    load_manifest(bundle)
    text = (bundle / MANIFEST_FILE).read_text("utf-8")
    environment = Environment(arguments.chromium, arguments.node_modules, arguments.gpu)
    verification = verify_bundle(bundle, environment, tokens=arguments.tokens, progress=ProgressLine())
    certificate = make_certificate(verification, evaluations=_evaluate(bundle, arguments))
    write_key(bundle / MANIFEST_FILE, text, CERTIFICATE, certificate)
    if arguments.json:
        print(json.dumps(certificate, indent=1, ensure_ascii=False))
    else:
        _print(bundle)


def _evaluate(bundle: Path, arguments: Namespace) -> dict[str, Comparison]:
    if arguments.reference is None:
        return {}
    from pagelm_builder.documents import read_documents
    from pagelm_builder.evaluate.measure import CPU_GRAPHS, measure_bundle

    reference = read_reference_arguments(arguments)
    documents = read_documents(reference.text)
    return {
        graph: measure_bundle(bundle, reference.checkpoint, documents, graph=graph, progress=ProgressLine())
        for graph in CPU_GRAPHS
    }


def _print(bundle: Path) -> None:
    from pagelm.manifest import load_manifest
    from pagelm_builder.chat.terminal import Terminal
    from pagelm_builder.inspect.certificate_lines import certificate_lines

    lines = certificate_lines(load_manifest(bundle).certificate)
    Terminal().answer("\n".join((f"{bundle} is certified", *lines)) + "\n")


def _count(text: str) -> int:
    if not text.isdecimal() or int(text) < 1:
        raise ArgumentTypeError(f"{text} is no number of at least 1")
    return int(text)
