"""Compressed variants beside the files of a site, `x.br` and `x.gz`, for hosts that serve them.

It compresses what shrinks and skips weights, whose int4 codes do not. Results are kept by content in the
build cache: three onnxruntime builds alone are 58 MB of input.
"""

from __future__ import annotations

import gzip
import hashlib
import os
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path, PurePosixPath
from typing import Literal

from pagelm_builder.errors import SiteError
from pagelm_builder.site.build_cache import BuildCache

Compression = Literal["fast", "smallest"]

COMPRESSIBLE = frozenset(
    (
        *(".bin", ".css", ".html", ".jinja", ".js", ".json", ".mjs", ".onnx"),
        *(".svg", ".txt", ".wasm", ".webmanifest", ".whl", ".zip"),
    )
)
Encoders = dict[str, tuple[str, Callable[[bytes], bytes]]]  # suffix → (kind in the cache, function)

SMALLEST_INPUT_BYTES = 512
LARGEST_WORTHWHILE_RATIO = 0.95

# fast: 80 MB in some six seconds on one core; smallest: a few per cent less to download, minutes to make.
BROTLI_QUALITY: dict[Compression, int] = {"fast": 6, "smallest": 11}
GZIP_LEVEL: dict[Compression, int] = {"fast": 6, "smallest": 9}


def is_worth_trying(path: str, size_bytes: int) -> bool:
    """Whether a file of the site (path relative to its root) may shrink enough."""
    parts = PurePosixPath(path)
    is_weights = parts.parts[0] == "models" and "weights" in parts.parts
    return parts.suffix in COMPRESSIBLE and size_bytes >= SMALLEST_INPUT_BYTES and not is_weights


def precompress(
    site: Path,
    paths: Iterable[str],
    *,
    cache: BuildCache,
    compression: Compression = "fast",
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> None:
    """Write the variants of some files of a site.

    Args:
        paths: Relative to the site.
        progress: Called with (files done, files in all).

    Raises:
        SiteError: The package brotli is not installed.
    """
    encoders = _make_encoders(compression)
    chosen = [path for path in paths if is_worth_trying(path, (site / path).stat().st_size)]
    progress(0, len(chosen))
    with ThreadPoolExecutor(os.cpu_count()) as pool:  # brotli and zlib release the interpreter lock
        jobs = [pool.submit(_write_variants, site / path, encoders, cache) for path in chosen]
        for done, job in enumerate(jobs, 1):
            job.result()
            progress(done, len(chosen))


def _make_encoders(compression: Compression) -> Encoders:
    try:
        import brotli  # type: ignore[import-untyped]
    except ImportError as error:
        raise SiteError(
            "the Python package brotli is not installed",
            expected="brotli 1.1 or later",
            remedy="pip install 'pagelm[build]'",
        ) from error
    quality, level = BROTLI_QUALITY[compression], GZIP_LEVEL[compression]

    def to_brotli(content: bytes) -> bytes:
        compressed: bytes = brotli.compress(content, quality=quality, lgwin=24)
        return compressed

    def to_gzip(content: bytes) -> bytes:
        return gzip.compress(content, compresslevel=level, mtime=0)

    return {".br": (f"brotli-{quality}", to_brotli), ".gz": (f"gzip-{level}", to_gzip)}


def _write_variants(file: Path, encoders: Encoders, cache: BuildCache) -> None:
    content = file.read_bytes()
    key = hashlib.sha256(content).hexdigest()
    for suffix, (kind, encode) in encoders.items():
        variant = cache.recall(kind, key, partial(encode, content))
        if len(variant) <= LARGEST_WORTHWHILE_RATIO * len(content):
            file.with_name(file.name + suffix).write_bytes(variant)
