"""Compressed variants: what they hold, and which files get none."""

from __future__ import annotations

import gzip
import os
from pathlib import Path

import brotli
import pytest

from pagelm_builder.site.build_cache import BuildCache
from pagelm_builder.site.index import list_files
from pagelm_builder.site.precompress import is_worth_trying, precompress


def write(site: Path, path: str, content: bytes) -> Path:
    (site / path).parent.mkdir(parents=True, exist_ok=True)
    (site / path).write_bytes(content)
    return site / path


def variants(site: Path) -> set[str]:
    return {path.relative_to(site).as_posix() for path in site.rglob("*") if path.suffix in (".br", ".gz")}


def test_variants_hold_the_same_content(tmp_path: Path) -> None:
    content = b"export const answer = 42;\n" * 200
    write(tmp_path / "site", "main.js", content)
    precompress(tmp_path / "site", ["main.js"], cache=BuildCache(tmp_path / "cache"))
    assert brotli.decompress((tmp_path / "site" / "main.js.br").read_bytes()) == content
    assert gzip.decompress((tmp_path / "site" / "main.js.gz").read_bytes()) == content


def test_what_does_not_shrink_gets_no_variant(tmp_path: Path) -> None:
    write(tmp_path / "site", "python/noise.zip", os.urandom(4096))
    precompress(tmp_path / "site", ["python/noise.zip"], cache=BuildCache(tmp_path / "cache"))
    assert variants(tmp_path / "site") == set()


@pytest.mark.parametrize(
    ("path", "size_bytes", "expected"),
    [
        ("models/pico/weights/000.0123456789abcdef.bin", 10**6, False),
        ("models/pico/tokenizer/tokenizer.0123456789abcdef.bin", 10**6, True),
        ("weights/main.js", 10**6, True),
        ("main.js", 100, False),
        ("photo.png", 10**6, False),
        ("vendor/pyodide-1/pyodide.asm.wasm", 10**6, True),
    ],
)
def test_weights_small_files_and_pictures_are_not_tried(path: str, size_bytes: int, expected: bool) -> None:
    assert is_worth_trying(path, size_bytes) is expected


def test_the_same_content_is_compressed_once(tmp_path: Path) -> None:
    """The second build takes from the cache, as a marked entry shows."""
    cache = BuildCache(tmp_path / "cache")
    write(tmp_path / "site", "main.js", b"let x;\n" * 200)
    precompress(tmp_path / "site", ["main.js"], cache=cache)
    for entry in (tmp_path / "cache").rglob("*"):
        if entry.is_file():
            entry.write_bytes(b"marked")
    precompress(tmp_path / "site", ["main.js"], cache=cache)
    assert (tmp_path / "site" / "main.js.br").read_bytes() == b"marked"


def test_smallest_does_not_take_what_fast_made(tmp_path: Path) -> None:
    cache = BuildCache(tmp_path / "cache")
    content = b"".join(b"const value%d = compute(%d);\n" % (i, i * i) for i in range(3000))
    sizes = []
    for compression in ("fast", "smallest"):
        write(tmp_path / "site", "main.js", content)
        precompress(tmp_path / "site", ["main.js"], cache=cache, compression=compression)
        sizes.append((tmp_path / "site" / "main.js.br").stat().st_size)
    assert sizes[1] < sizes[0]


def test_progress_counts_files_to_the_end(tmp_path: Path) -> None:
    for name in ("a.js", "b.css", "c.png"):
        write(tmp_path / "site", name, b"content " * 100)
    reported: list[tuple[int, int]] = []
    precompress(
        tmp_path / "site",
        list_files(tmp_path / "site"),
        cache=BuildCache(tmp_path / "cache"),
        progress=lambda done, total: reported.append((done, total)),
    )
    assert reported == [(0, 2), (1, 2), (2, 2)]
