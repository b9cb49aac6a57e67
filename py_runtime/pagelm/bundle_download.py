"""Downloads a bundle from any static host, for a model that runs natively, and keeps it.

    cache/files/SHA256             files by content: a new version of a bundle fetches what changed
    cache/files/SHA256.part        what has arrived of one; a later try goes on there
    cache/bundles/SHA256/          of a manifest: it and links to its files, complete or not there
    cache/bundles/SHA256.address   where it was loaded from last, written at each load

A file counts when its bytes and hash are the manifest's. Knows no model.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import tempfile
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from http.client import HTTPException, HTTPResponse
from pathlib import Path
from threading import Lock
from typing import IO
from urllib.error import HTTPError, URLError
from urllib.parse import urljoin
from urllib.request import Request, urlopen

from pagelm.errors import PartAlteredError, PartMissingError
from pagelm.manifest import MANIFEST_FILE, parse_manifest
from pagelm.manifest_values import BundleFile
from pagelm.stored_models import note_use

PARALLEL_DOWNLOADS = 4
TIMEOUT_SECONDS = 30
TRIES = 3
"""Of one file, each going on where the last one ended."""
_BLOCK = 1 << 20
_PARTIAL_CONTENT = 206


DownloadProgress = Callable[[int, int], None]
"""Told how many bytes are there, of how many."""


def download_bundle(address: str, cache: Path, on_progress: DownloadProgress | None = None) -> Path:
    """Download what is not there yet.

    Args:
        address: Of the bundle's folder, http or https.
        cache: Where to keep it.
        on_progress: Called from the threads that download, one at a time.

    Returns:
        The bundle's folder.

    Raises:
        PartMissingError: The host does not answer, or has no such file.
        PartAlteredError: A file arrived with other bytes, again and again.
        ManifestError: The manifest is none, or of another format.
    """
    base = address.rstrip("/") + "/"
    with _open(urljoin(base, MANIFEST_FILE)) as response:
        text = response.read()
    manifest = parse_manifest(text, source=urljoin(base, MANIFEST_FILE))
    folder = cache / "bundles" / hashlib.sha256(text).hexdigest()
    if all((folder / entry.file).is_file() for entry in manifest.files()):
        note_use(folder, base)
        return folder
    files = cache / "files"
    files.mkdir(parents=True, exist_ok=True)
    entries = tuple({entry.sha256: entry for entry in manifest.files()}.values())
    arrivals = _Arrivals(entries, on_progress)
    with ThreadPoolExecutor(PARALLEL_DOWNLOADS) as pool:
        list(pool.map(lambda entry: _download(urljoin(base, entry.file), entry, files, arrivals), entries))
    shutil.rmtree(folder, ignore_errors=True)  # one that a check has taken files from
    _assemble(folder, text, [(files / entry.sha256, entry.file) for entry in manifest.files()])
    note_use(folder, base)
    return folder


class _Arrivals:
    """How much of each file is there, told as one sum."""

    def __init__(self, entries: Iterable[BundleFile], tell: DownloadProgress | None) -> None:
        self._bytes = dict.fromkeys((entry.sha256 for entry in entries), 0)
        self._total = sum(entry.bytes for entry in entries)
        self._tell = tell
        self._lock = Lock()

    def note(self, entry: BundleFile, size: int) -> None:
        if self._tell is None:
            return
        with self._lock:
            self._bytes[entry.sha256] = min(size, entry.bytes)
            self._tell(sum(self._bytes.values()), self._total)


def _download(address: str, entry: BundleFile, files: Path, arrivals: _Arrivals) -> None:
    """One file into the cache, if it is not there."""
    target = files / entry.sha256
    if target.is_file():
        arrivals.note(entry, entry.bytes)
        return
    part = files / f"{entry.sha256}.part"
    problem = ""
    for _ in range(TRIES):
        problem = _fetch(address, part, entry, arrivals)
        if not problem and (found := _sha256(part)) != entry.sha256:
            part.unlink()
            problem = f"a sha256 of {found}"
        if not problem:
            part.replace(target)
            return
    raise PartAlteredError(
        f"{address} arrived with {problem}",
        expected=f"{entry.bytes} bytes with sha256 {entry.sha256}",
        remedy="Try again, which goes on where this ended; or have the bundle copied to the host again.",
    )


def _fetch(address: str, part: Path, entry: BundleFile, arrivals: _Arrivals) -> str:
    """What is missing of a file; what is wrong with its length then, "" for nothing."""
    expected = entry.bytes
    have = part.stat().st_size if part.is_file() else 0
    if have > expected:
        part.unlink()
        have = 0
    if have < expected:
        with _open(address, have) as response:
            resumes = response.status == _PARTIAL_CONTENT
            with part.open("ab" if resumes else "wb") as out:
                _copy(response, out, lambda size: arrivals.note(entry, size))
    size = part.stat().st_size
    if size > expected:
        part.unlink()
    return "" if size == expected else f"{size} bytes"


def _copy(source: IO[bytes], target: IO[bytes], note: Callable[[int], None]) -> None:
    """Up to where the connection breaks: what has arrived stays, and its length tells."""
    try:
        while block := source.read(_BLOCK):
            target.write(block)
            note(target.tell())
    except (OSError, HTTPException):
        target.flush()


@contextmanager
def _open(address: str, start: int = 0) -> Iterator[HTTPResponse]:
    headers = {"Range": f"bytes={start}-"} if start else {}
    try:
        response = urlopen(Request(address, headers=headers), timeout=TIMEOUT_SECONDS)
    except HTTPError as error:
        raise PartMissingError(
            f"{address} answers with status {error.code}",
            expected="status 200",
            remedy="Check the address, or have the whole bundle copied to the host.",
        ) from error
    except (URLError, OSError, HTTPException) as error:
        raise PartMissingError(
            f"{address} cannot be fetched: {error}",
            expected="a host that answers",
            remedy="Check the address and the connection, then try again.",
        ) from error
    with response:
        yield response


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _assemble(folder: Path, manifest: bytes, files: list[tuple[Path, str]]) -> None:
    """The bundle's folder, which takes its name when it is complete."""
    folder.parent.mkdir(parents=True, exist_ok=True)
    unfinished = Path(tempfile.mkdtemp(dir=folder.parent, prefix=".unfinished-"))
    try:
        (unfinished / MANIFEST_FILE).write_bytes(manifest)
        for source, name in files:
            target = unfinished / name
            target.parent.mkdir(parents=True, exist_ok=True)
            try:
                os.link(source, target)
            except OSError:  # a file system without links
                shutil.copyfile(source, target)
        unfinished.replace(folder)
    except OSError:
        if not folder.is_dir():  # else another process was faster with the same
            raise
    finally:
        shutil.rmtree(unfinished, ignore_errors=True)
