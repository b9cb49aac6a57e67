"""The version of a site, a hash of all that it is made of, and the service worker that carries it.

Browsers look for a new service worker by its bytes: with the version in it, any changed file is a new one.
What the worker does with it is web/service-worker.js.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from pathlib import Path

from pagelm_builder.errors import SiteError

SERVICE_WORKER_FILE = "service-worker.js"
UNBUILT = 'const SITE_VERSION = "unbuilt";'


def site_version(hashes: Mapping[str, str]) -> str:
    """16 hexadecimal digits that change with any file.

    Args:
        hashes: path → sha256 of every file, the service worker without a version in it.
    """
    lines = (f"{path} {sha256}\n" for path, sha256 in sorted(hashes.items()))
    return hashlib.sha256("".join(lines).encode()).hexdigest()[:16]


def stamp_service_worker(site: Path, version: str) -> None:
    """Write the site's version into its service worker.

    Raises:
        SiteError: There is none, or it has no place for it.
    """
    file = site / SERVICE_WORKER_FILE
    text = file.read_text("utf-8") if file.is_file() else ""
    if text.count(UNBUILT) != 1:
        raise SiteError(
            f"{SERVICE_WORKER_FILE} has no place for the site's version",
            expected=f"the line {UNBUILT}",
            remedy="Restore the file in the folder with the page's modules.",
        )
    file.write_text(text.replace(UNBUILT, UNBUILT.replace("unbuilt", version)), "utf-8")
