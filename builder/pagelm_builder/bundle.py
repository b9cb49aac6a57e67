"""Bundle format 1 on disk: hashed files, weights in parts, one manifest.

It knows bytes, names and hashes, but neither tensors nor ONNX, and not how a finished folder takes its place.
Specified in docs/contracts.md, "Bundle, format 1".

    bundle/manifest.json · graphs/*.onnx · weights/000.<hash16>.bin … · tokenizer/*
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from pagelm_builder.config import JsonValue
from pagelm_builder.replacement import check_replaceable

FORMAT = 1
MANIFEST = "manifest.json"
# Cloudflare Pages refuses files above 25 MiB
PART_BYTES = 24 * 1024 * 1024
HASH_DIGITS = 16


@dataclass(frozen=True, slots=True)
class WrittenFile:
    """A file of the bundle: path relative to it, size and sha256."""

    file: str
    bytes: int
    sha256: str

    def entry(self) -> dict[str, JsonValue]:
        """Its description in the manifest."""
        return {"file": self.file, "bytes": self.bytes, "sha256": self.sha256}


class PartWriter:
    """Cuts a stream of bytes into parts of at most `part_bytes`, hashing as it writes.

    Call `write` with consecutive bytes, then `finish` once.
    """

    def __init__(self, folder: Path, part_bytes: int = PART_BYTES) -> None:
        self._folder = folder
        self._directory = folder / "weights"
        self._directory.mkdir()
        self._part_bytes = part_bytes
        self._parts: list[WrittenFile] = []
        self._file: BinaryIO | None = None
        self._hash = hashlib.sha256()
        self._size = 0

    def write(self, data: bytes) -> None:
        view = memoryview(data)
        while len(view):
            if self._file is None:
                self._file = self._unnamed.open("wb")
            room = self._part_bytes - self._size
            piece, view = view[:room], view[room:]
            self._file.write(piece)
            self._hash.update(piece)
            self._size += len(piece)
            if self._size == self._part_bytes:
                self._close_part()

    def finish(self) -> tuple[WrittenFile, ...]:
        """Close the last part; returns all parts in order."""
        self._close_part()
        return tuple(self._parts)

    def abandon(self) -> None:
        """Close the file that is open, if any; for when writing failed."""
        if self._file is not None:
            self._file.close()
            self._file = None

    @property
    def _unnamed(self) -> Path:
        return self._directory / "part.unnamed"

    def _close_part(self) -> None:
        if self._file is None:
            return
        self._file.close()
        digest = self._hash.hexdigest()
        name = f"weights/{len(self._parts):03d}.{digest[:HASH_DIGITS]}.bin"
        self._unnamed.rename(self._folder / name)
        self._parts.append(WrittenFile(name, self._size, digest))
        self._file, self._hash, self._size = None, hashlib.sha256(), 0


def write_hashed(folder: Path, stem: str, suffix: str, data: bytes) -> WrittenFile:
    """Write `stem.<hash16>.suffix` under `folder`; `stem` may hold one directory."""
    digest = hashlib.sha256(data).hexdigest()
    name = f"{stem}.{digest[:HASH_DIGITS]}.{suffix}"
    path = folder / name
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(data)
    return WrittenFile(name, len(data), digest)


def write_manifest(folder: Path, manifest: dict[str, JsonValue]) -> None:
    text = json.dumps(manifest, indent=1, ensure_ascii=False, allow_nan=False)
    (folder / MANIFEST).write_text(text + "\n", encoding="utf-8")


def check_target(out: Path) -> None:
    """Refuse a target that pagelm did not write.

    Raises:
        OutputExistsError: `out` is a file, or a folder that is neither empty nor a bundle.
    """
    check_replaceable(out, _is_bundle, "a pagelm bundle")


def _is_bundle(folder: Path) -> bool:
    try:
        manifest = json.loads((folder / MANIFEST).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return False
    return isinstance(manifest, dict) and "format" in manifest and "graphs" in manifest
