"""The argument BUNDLE of commands that read one: a folder, and a helpful refusal of what is none."""

from __future__ import annotations

from argparse import ArgumentParser
from pathlib import Path

from pagelm.errors import ManifestError
from pagelm_builder.embedded_model import EMBEDDED_MODEL


def add_bundle_argument(parser: ArgumentParser) -> None:
    parser.add_argument("bundle", type=Path, metavar="BUNDLE", help="folder that `pagelm export` wrote")


def check_bundle_argument(bundle: Path) -> Path:
    """The folder.

    Raises:
        ManifestError: It is the embedded model's name, which is a checkpoint's and no bundle's.
    """
    if str(bundle) == EMBEDDED_MODEL and not bundle.exists():
        raise ManifestError(
            f"there is no folder {EMBEDDED_MODEL}: the model of this name is a checkpoint",
            expected="a folder that `pagelm export` wrote",
            remedy=f"Run: pagelm export {EMBEDDED_MODEL} --out build/bundles/{EMBEDDED_MODEL}",
        )
    return bundle
