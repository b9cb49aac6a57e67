"""A full disk, by name. It knows no file; whoever writes some removes what is half-written."""

from __future__ import annotations

import errno
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from pagelm_builder.errors import DiskFullError


def is_full_disk(error: OSError) -> bool:
    """Whether a write failed for lack of room, or of what this user may use of it."""
    return error.errno in (errno.ENOSPC, errno.EDQUOT)


@contextmanager
def named_full_disk(folder: Path) -> Iterator[None]:
    """Raise DiskFullError where the block, which writes into `folder`, finds no room."""
    try:
        yield
    except OSError as error:
        if not is_full_disk(error):
            raise
        raise DiskFullError(
            f"the disk is full: {error.filename or folder} cannot be written",
            expected="room for what is written, and for temporary files beside it",
            remedy=f"Make room on the disk of {folder}, or write to another; nothing half-written was left.",
        ) from error
