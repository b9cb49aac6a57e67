"""Zip archives whose bytes depend on their members alone: sorted names, one date, one mode.

It knows names and bytes, nothing of wheels or of Python. Two builds of the same members give the same file,
which is what makes a name that carries the content's hash worth caching for ever.
"""

from __future__ import annotations

import io
import zipfile
from collections.abc import Mapping

EPOCH = (1980, 1, 1, 0, 0, 0)  # the earliest date that zip can express
REGULAR_FILE_644 = 0o100644 << 16


def read_archive(archive: bytes) -> dict[str, bytes]:
    """Read every file of a zip archive: name → content, folders left out."""
    with zipfile.ZipFile(io.BytesIO(archive)) as opened:
        return {entry.filename: opened.read(entry) for entry in opened.infolist() if not entry.is_dir()}


def write_archive(members: Mapping[str, bytes], *, stored: bool) -> bytes:
    """Write a zip archive.

    Args:
        members: Name → content; the order does not matter.
        stored: True leaves members uncompressed, so that the host can compress the archive as a whole
            (a third smaller than deflating each member); False deflates, for hosts that do not compress
            `.zip`.
    """
    buffer = io.BytesIO()
    method = zipfile.ZIP_STORED if stored else zipfile.ZIP_DEFLATED
    with zipfile.ZipFile(buffer, "w", method, compresslevel=None if stored else 9) as archive:
        for name in sorted(members):
            entry = zipfile.ZipInfo(name, EPOCH)
            entry.compress_type = method
            entry.create_system = 3  # Unix on every host: the field is part of the bytes
            entry.external_attr = REGULAR_FILE_644
            archive.writestr(entry, members[name])
    return buffer.getvalue()
