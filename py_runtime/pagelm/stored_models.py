"""The models that this machine keeps of those that were loaded by address: to list, to check and to delete.

    for model in stored_models():
        print(model.name, model.stored_bytes, model.last_used)

Layout of the cache: docs/contracts.md, "A bundle by name or address". Loads nothing and knows no network.
"""

from __future__ import annotations

import hashlib
import shutil
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from pagelm.bundle_locations import cache_folder
from pagelm.errors import BundleError, StoredModelError
from pagelm.manifest import load_manifest
from pagelm.manifest_values import BundleFile, Manifest

ADDRESS_SUFFIX = ".address"


@dataclass(frozen=True, slots=True)
class StoredModel:
    """One version of a model that is kept.

    Attributes:
        name: Of its manifest.
        address: That it was loaded from last; None: not written down.
        folder: The bundle; its name is the manifest's sha256.
        stored_bytes: Of its files, that are here.
        total_bytes: Of all files that it needs.
        own_bytes: What deleting it frees: no other kept model needs them.
        last_used: When it was loaded last, UTC.
    """

    name: str
    address: str | None
    folder: Path
    stored_bytes: int
    total_bytes: int
    own_bytes: int
    last_used: datetime

    @property
    def is_complete(self) -> bool:
        """Whether no file is missing; that each is right, only checking tells."""
        return self.stored_bytes == self.total_bytes


@dataclass(frozen=True, slots=True)
class Check:
    """What came of checking a model.

    Attributes:
        checked_bytes: That are right.
        altered: Files whose bytes were wrong: deleted, and fetched again by the next load.
        missing: Files that are not here: fetched by the next load.
    """

    checked_bytes: int
    altered: tuple[BundleFile, ...]
    missing: tuple[BundleFile, ...]


def stored_models(cache: Path | None = None) -> list[StoredModel]:
    """What is kept, the last used first.

    Args:
        cache: Default: PAGELM_CACHE, else pagelm in XDG_CACHE_HOME or ~/.cache.
    """
    manifests = _manifests(cache or cache_folder())
    needed = Counter(sha256 for manifest in manifests.values() for sha256 in _hashes(manifest))
    models = [_describe(folder, manifest, needed) for folder, manifest in manifests.items()]
    return sorted(models, key=lambda model: model.last_used, reverse=True)


def find_stored_model(wanted: str, cache: Path | None = None) -> StoredModel:
    """The one model that is meant.

    Args:
        wanted: Its name, its address, or the beginning of its folder's name.

    Raises:
        StoredModelError: None is kept, or several are.
    """
    models = stored_models(cache)
    name = wanted.rstrip("/")
    found = [model for model in models if name in (model.name, (model.address or "").rstrip("/"))]
    found = found or [model for model in models if wanted and model.folder.name.startswith(wanted)]
    if len(found) == 1:
        return found[0]
    if not found:
        kept = ", ".join(sorted({model.name for model in models})) or "none"
        raise StoredModelError(
            f"no model {wanted!r} is kept",
            expected=f"the name or address of one that is: {kept}",
            remedy="List them with `pagelm models`.",
        )
    raise StoredModelError(
        f"{len(found)} models {wanted!r} are kept",
        expected="one",
        remedy=f"Name one by its id: {', '.join(model.folder.name[:16] for model in found)}.",
    )


def verify_stored_model(
    model: StoredModel, *, cache: Path | None = None, progress: Callable[[int, int], None] | None = None
) -> Check:
    """Hash every file of a model, and delete what is altered.

    Args:
        progress: Is told the bytes that are done, and all of them.
    """
    report = progress or (lambda done, total: None)
    files = (cache or cache_folder()) / "files"
    altered, missing, done, checked = [], [], 0, 0
    for entry in load_manifest(model.folder).files():
        report(done, model.total_bytes)
        path = model.folder / entry.file
        if not path.is_file():
            missing.append(entry)
        elif _is_right(path, entry):
            checked += entry.bytes
        else:
            altered.append(entry)
            path.unlink()
            # The same file by another name, or a copy that may be right.
            original = files / entry.sha256
            if original.is_file() and not _is_right(original, entry):
                original.unlink()
        done += entry.bytes
    report(done, model.total_bytes)
    return Check(checked, tuple(altered), tuple(missing))


def delete_stored_model(model: StoredModel, *, cache: Path | None = None) -> int:
    """Delete a model, and of its files those that no other kept model needs.

    A process that has it loaded goes on with what is in memory.

    Returns:
        Bytes that are free.
    """
    base = cache or cache_folder()
    hashes = _hashes(load_manifest(model.folder))
    freed = model.own_bytes
    shutil.rmtree(model.folder)
    _address_file(model.folder).unlink(missing_ok=True)
    others = {sha256 for manifest in _manifests(base).values() for sha256 in _hashes(manifest)}
    for sha256 in hashes - others:
        (base / "files" / sha256).unlink(missing_ok=True)
    return freed


def note_use(folder: Path, address: str) -> None:
    """Write down that a bundle of the cache is used now, and where it came from."""
    _address_file(folder).write_text(address + "\n", "utf-8")


def _manifests(cache: Path) -> dict[Path, Manifest]:
    """Of each bundle that is there; one that is being written, or cannot be read, counts as none."""
    found = {}
    for folder in sorted((cache / "bundles").glob("[0-9a-f]*")):
        if folder.is_dir():
            try:
                found[folder] = load_manifest(folder)
            except BundleError:
                continue
    return found


def _describe(folder: Path, manifest: Manifest, needed: Counter[str]) -> StoredModel:
    entries = {entry.sha256: entry for entry in manifest.files()}.values()
    here = [entry for entry in entries if (folder / entry.file).is_file()]
    note = _address_file(folder)
    noted = note if note.is_file() else folder
    return StoredModel(
        manifest.name,
        note.read_text("utf-8").strip() if note.is_file() else None,
        folder,
        sum(entry.bytes for entry in here),
        sum(entry.bytes for entry in entries),
        sum(entry.bytes for entry in here if needed[entry.sha256] == 1),
        datetime.fromtimestamp(noted.stat().st_mtime, UTC),
    )


def _hashes(manifest: Manifest) -> set[str]:
    return {entry.sha256 for entry in manifest.files()}


def _address_file(folder: Path) -> Path:
    return folder.with_name(folder.name + ADDRESS_SUFFIX)


def _is_right(path: Path, entry: BundleFile) -> bool:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest() == entry.sha256
