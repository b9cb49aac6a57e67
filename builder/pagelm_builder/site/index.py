"""site.json, the one file of a site whose content changes under its name: what is where, how large, with
which hash.

Specified in docs/contracts.md, "Site"; the page and the worker find everything that has a version or a hash
in its path through it.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path

from pagelm.manifest import MANIFEST_FILE, load_manifest
from pagelm_builder.serve.headers import security_headers
from pagelm_builder.site.npm_packages import ONNXRUNTIME_WEB, PYODIDE
from pagelm_builder.site.version import SERVICE_WORKER_FILE, site_version, stamp_service_worker
from pagelm_builder.weights_address import WeightsAddress

FORMAT = 1
INDEX_FILE = "site.json"


@dataclass(frozen=True, slots=True)
class PythonFiles:
    """Where the site keeps what starts Python; paths relative to the site.

    Args:
        version: Of Python.
        wheels: The folder that file names in the lock file are relative to.
        wheel_files: All wheels, relative to the site.
        packages: What Pyodide is told to load; their dependencies follow from the lock file.
    """

    version: str
    standard_library: str
    lock: str
    wheels: str
    wheel_files: tuple[str, ...]
    packages: tuple[str, ...]


def make_index(
    site: Path, models: Mapping[str, Path], python: PythonFiles, weights: WeightsAddress | None = None
) -> bytes:
    """Describe a site whose other files are all written, but not yet their compressed variants.

    Its version goes into its service worker too.

    Args:
        models: Name → bundle; the first is the default.
        weights: Where the bundles are, if not in the site.

    Raises:
        SiteError: The service worker has no place for it.
    """
    files = {path: _describe(site / path) for path in list_files(site)}
    version = site_version({path: str(entry["sha256"]) for path, entry in files.items()})
    stamp_service_worker(site, version)
    files[SERVICE_WORKER_FILE] = _describe(site / SERVICE_WORKER_FILE)
    index = {
        "format": FORMAT,
        "version": version,
        "generator": f"pagelm {metadata.version('pagelm')}",
        "default_model": next(iter(models)),
        "models": [_model(name, bundle, weights) for name, bundle in models.items()],
        "python": _python(python),
        "onnxruntime_web": {"version": ONNXRUNTIME_WEB.version, "builds": _onnxruntime_builds()},
        "headers": security_headers(weights.origin if weights else None),
        "files": files,
    }
    if weights is not None:
        index["weights_origin"] = weights.origin
    return (json.dumps(index, indent=1) + "\n").encode()


def list_files(site: Path) -> list[str]:
    """Every file of a site but its index, relative to it, sorted."""
    paths = (path.relative_to(site).as_posix() for path in site.rglob("*") if path.is_file())
    return sorted(path for path in paths if path != INDEX_FILE)


def _describe(file: Path) -> dict[str, int | str]:
    with file.open("rb") as opened:
        return {"bytes": file.stat().st_size, "sha256": hashlib.file_digest(opened, "sha256").hexdigest()}


def list_bundle_files(bundle: Path) -> list[str]:
    """The manifest and what it names, nothing that may lie beside them."""
    return [MANIFEST_FILE, *(entry.file for entry in load_manifest(bundle).files())]


def _model(name: str, bundle: Path, weights: WeightsAddress | None) -> dict[str, int | str | list[str]]:
    path = f"{weights.folder if weights else 'models/'}{name}/"
    manifest = load_manifest(bundle)
    entry: dict[str, int | str | list[str]] = {
        "name": name,
        "path": path,
        "manifest": f"{path}{MANIFEST_FILE}",
        "bytes": sum((bundle / file).stat().st_size for file in list_bundle_files(bundle)),
    }
    if manifest.description is not None:
        entry["description"] = manifest.description
    if manifest.examples:
        entry["examples"] = list(manifest.examples)
    return entry


def _python(python: PythonFiles) -> dict[str, str | list[str]]:
    vendored = [PYODIDE.path(Path(file).name) for file in PYODIDE.files]
    return {
        "version": python.version,
        "pyodide_version": PYODIDE.version,
        "pyodide": PYODIDE.folder,
        "module": PYODIDE.path("pyodide.mjs"),
        "standard_library": python.standard_library,
        "lock": python.lock,
        "wheels": python.wheels,
        "packages": list(python.packages),
        "fetches": [*vendored, python.standard_library, python.lock, *python.wheel_files],
    }


def _onnxruntime_builds() -> dict[str, dict[str, str]]:
    def build(module: str, flavour: str) -> dict[str, str]:
        threaded = f"ort-wasm-simd-threaded{flavour}"
        return {
            "module": ONNXRUNTIME_WEB.path(f"ort.{module}.min.mjs"),
            "loader": ONNXRUNTIME_WEB.path(f"{threaded}.mjs"),
            "binary": ONNXRUNTIME_WEB.path(f"{threaded}.wasm"),
        }

    return {
        "wasm": build("wasm", ""),
        "jspi": build("jspi", ".jspi"),
        "asyncify": build("webgpu", ".asyncify"),
    }
