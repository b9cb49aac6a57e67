"""Another version of a built site in the same place, as a release makes one, without a whole build."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from pathlib import Path

from pagelm_builder.site.index import INDEX_FILE
from pagelm_builder.site.version import SERVICE_WORKER_FILE, UNBUILT, site_version, stamp_service_worker


def replace_site(site: Path, change: Callable[[Path], None]) -> str:
    """Change files of a site and describe it anew in index and service worker; returns its version."""
    change(site)
    index = json.loads((site / INDEX_FILE).read_text("utf-8"))
    worker = site / SERVICE_WORKER_FILE
    stamped = UNBUILT.replace("unbuilt", index["version"])
    worker.write_text(worker.read_text("utf-8").replace(stamped, UNBUILT), "utf-8")
    files = {path: _describe(site / path) for path in index["files"]}
    version = site_version({path: str(entry["sha256"]) for path, entry in files.items()})
    stamp_service_worker(site, version)
    files[SERVICE_WORKER_FILE] = _describe(worker)
    (site / INDEX_FILE).write_text(json.dumps({**index, "version": version, "files": files}), "utf-8")
    return version


def _describe(file: Path) -> dict[str, int | str]:
    content = file.read_bytes()
    return {"bytes": len(content), "sha256": hashlib.sha256(content).hexdigest()}
