"""Results that cost seconds, kept by the content of what they were made from.

It knows keys and bytes, not what they mean. An entry is written aside and renamed, so a key that exists is
whole; an entry that nobody asks for is never wrong, and deleting the folder is always safe.
"""

from __future__ import annotations

import hashlib
import os
import threading
from collections.abc import Callable
from pathlib import Path


def make_key(*inputs: bytes | str) -> str:
    """Hash everything that a result depends on; each is length-prefixed so that no two lists collide."""
    digest = hashlib.sha256()
    for value in inputs:
        content = value.encode() if isinstance(value, str) else value
        digest.update(len(content).to_bytes(8, "little"))
        digest.update(content)
    return digest.hexdigest()


def write_aside(path: Path, content: bytes) -> None:
    """Write a file so that it is either whole or not there."""
    path.parent.mkdir(parents=True, exist_ok=True)
    # Threads of one process may write the same content at once.
    aside = path.with_name(f".{path.name}.{os.getpid()}.{threading.get_ident()}.partial")
    try:
        aside.write_bytes(content)
        aside.replace(path)
    finally:
        aside.unlink(missing_ok=True)


class BuildCache:
    """A folder of `<kind>/<key>` files."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def path(self, kind: str, key: str) -> Path:
        return self.folder / kind / key

    def get(self, kind: str, key: str) -> bytes | None:
        """The stored result, or None when it was never made."""
        try:
            return self.path(kind, key).read_bytes()
        except FileNotFoundError:
            return None

    def put(self, kind: str, key: str, content: bytes) -> None:
        write_aside(self.path(kind, key), content)

    def recall(self, kind: str, key: str, make: Callable[[], bytes]) -> bytes:
        """The stored result, made first when it is not there."""
        content = self.get(kind, key)
        if content is None:
            content = make()
            self.put(kind, key, content)
        return content
