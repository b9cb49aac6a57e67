"""The files of a bundle folder, compared with what its manifest says of them."""

from __future__ import annotations

import hashlib
from pathlib import Path

from pagelm.errors import PartAlteredError, PartMissingError
from pagelm.manifest import load_manifest
from pagelm.manifest_values import BundleFile, Manifest


def verify_bundle_files(folder: str | Path) -> Manifest:
    """Read a bundle's manifest and compare every file it names: presence, size, sha256.

    Raises:
        PartMissingError: A file is not there.
        PartAlteredError: A file has another size or hash.
    """
    manifest = load_manifest(folder)
    for entry in manifest.files():
        read_verified(folder, entry)
    return manifest


def read_verified(folder: str | Path, entry: BundleFile) -> bytes:
    """The bytes of one file of a bundle, compared with its size and hash; errors as `verify_bundle_files`."""
    path = Path(folder) / entry.file
    remedy = "Copy the bundle again, or export it again."
    if not path.is_file():
        raise PartMissingError(f"{path} is missing", expected=f"{entry.bytes} bytes", remedy=remedy)
    data = path.read_bytes()
    if len(data) != entry.bytes:
        raise PartAlteredError(
            f"{path} has {len(data)} bytes", expected=f"{entry.bytes} bytes", remedy=remedy
        )
    if (digest := hashlib.sha256(data).hexdigest()) != entry.sha256:
        raise PartAlteredError(f"{path} has sha256 {digest}", expected=entry.sha256, remedy=remedy)
    return data
