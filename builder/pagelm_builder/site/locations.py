"""Where the page's sources, the legal texts and the cache are: in a checkout, or in an installed wheel.

The one place that asks which of the two this is.
"""

from __future__ import annotations

import os
import sys
from importlib import metadata
from pathlib import Path
from typing import Literal

from pagelm_builder.errors import SiteError

PACKAGE = Path(__file__).parents[1]


def find_checkout() -> Path | None:
    """The repository's folder, or None in an installed wheel."""
    root = PACKAGE.parents[1]
    return root if (root / "pyproject.toml").is_file() and (root / "py_runtime" / "pagelm").is_dir() else None


def find_web() -> Path:
    """The folder with the page's own modules."""
    checkout = find_checkout()
    web = checkout / "web" if checkout else PACKAGE / "_web"
    if not web.is_dir():
        raise SiteError(
            f"{web} is missing", expected="the folder with the page's modules", remedy="Install pagelm again."
        )
    return web


def find_legal_text(name: Literal["LICENSE", "NOTICE"]) -> Path:
    """pagelm's own licence, or what it says of the works of others."""
    checkout = find_checkout()
    if checkout:
        return checkout / name
    for file in metadata.files("pagelm") or ():
        if file.name == name and file.parent.name == "licenses":
            return Path(str(file.locate()))
    raise SiteError(
        f"pagelm's {name} is missing", expected="it in its dist-info", remedy="Install pagelm again."
    )


def default_cache_folder() -> Path:
    """build/ of the checkout, else the folder that the operating system has for caches."""
    checkout = find_checkout()
    if checkout:
        return checkout / "build" / "site-cache"
    if sys.platform == "win32":
        base = Path(os.environ.get("LOCALAPPDATA", Path.home() / "AppData" / "Local"))
    else:
        base = Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache"))
    return base / "pagelm" / "site"
