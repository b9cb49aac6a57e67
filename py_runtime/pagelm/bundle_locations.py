"""Where a bundle is that somebody names: a folder, an address, or a name alone. Reads nothing of it."""

from __future__ import annotations

import os
from pathlib import Path

from pagelm.errors import ManifestError
from pagelm.manifest import MANIFEST_FILE

BUNDLES_VARIABLE = "PAGELM_BUNDLES"
DEFAULT_BUNDLES = Path("build") / "bundles"
CACHE_VARIABLE = "PAGELM_CACHE"


def is_address(source: str | Path) -> bool:
    """Whether it is to be downloaded.

    >>> is_address("https://example.org/models/pico/"), is_address("models/pico")
    (True, False)
    """
    return isinstance(source, str) and source.startswith(("http://", "https://"))


def find_bundle(source: str | Path) -> Path:
    """The folder of a bundle.

    Args:
        source: A path; or a name, which is looked for in the folders of the variable PAGELM_BUNDLES and in
            build/bundles, where `make` and the README's commands put them.

    Raises:
        ManifestError: No such name; the message says where it was looked for.
    """
    path = Path(source)
    if path.exists() or path.name != str(source):
        return path
    listed = os.environ.get(BUNDLES_VARIABLE, "").split(os.pathsep)
    folders = [*(Path(folder) for folder in listed if folder), DEFAULT_BUNDLES]
    for folder in folders:
        if (folder / path / MANIFEST_FILE).is_file():
            return folder / path
    looked = ", ".join(str(folder / path) for folder in (Path(), *folders))
    raise ManifestError(
        f"there is no bundle named {source}",
        expected=f"a folder with {MANIFEST_FILE} at one of: {looked}",
        remedy=f"Name its folder or address, or run: pagelm export {source} --out {DEFAULT_BUNDLES / path}",
    )


def cache_folder() -> Path:
    """Where downloads are kept: PAGELM_CACHE, else pagelm in XDG_CACHE_HOME or ~/.cache."""
    if chosen := os.environ.get(CACHE_VARIABLE):
        return Path(chosen)
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "pagelm"
