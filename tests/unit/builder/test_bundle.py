"""Bundles on disk: parts, hashes, and which targets are pagelm's to replace."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

from pagelm_builder.bundle import PartWriter, check_target, write_hashed, write_manifest
from pagelm_builder.errors import OutputExistsError


def bundle_at(folder: Path, name: str) -> Path:
    folder.mkdir()
    write_manifest(folder, {"format": 1, "name": name, "graphs": {}})
    return folder


@pytest.mark.parametrize("sizes", [[1], [100], [99, 1, 1], [250, 0, 30], [50, 50, 50, 50], []], ids=str)
def test_parts_join_to_the_stream(tmp_path: Path, sizes: list[int]) -> None:
    stream = bytes(index % 251 for index in range(sum(sizes)))
    writer = PartWriter(tmp_path, part_bytes=100)
    start = 0
    for size in sizes:
        writer.write(stream[start : start + size])
        start += size
    parts = writer.finish()
    assert b"".join((tmp_path / part.file).read_bytes() for part in parts) == stream
    assert [part.bytes for part in parts] == [100] * (len(stream) // 100) + [len(stream) % 100][
        : len(stream) % 100
    ]
    assert len(list((tmp_path / "weights").iterdir())) == len(parts)


def test_part_is_named_by_number_and_hash(tmp_path: Path) -> None:
    writer = PartWriter(tmp_path, part_bytes=4)
    writer.write(b"abcdef")
    _, second = writer.finish()
    digest = hashlib.sha256(b"ef").hexdigest()
    assert (second.file, second.bytes, second.sha256) == (f"weights/001.{digest[:16]}.bin", 2, digest)


def test_file_carries_its_hash(tmp_path: Path) -> None:
    written = write_hashed(tmp_path, "graphs/native", "onnx", b"model")
    digest = hashlib.sha256(b"model").hexdigest()
    assert written.entry() == {"file": f"graphs/native.{digest[:16]}.onnx", "bytes": 5, "sha256": digest}
    assert (tmp_path / written.file).read_bytes() == b"model"


def test_empty_folder_may_be_filled(tmp_path: Path) -> None:
    (tmp_path / "bundle").mkdir()
    check_target(tmp_path / "bundle")


def test_folder_of_someone_else_is_refused(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("mine")
    with pytest.raises(OutputExistsError, match="is not a pagelm bundle"):
        check_target(tmp_path)


@pytest.mark.parametrize("text", ["{", "[]", '{"name": "an npm package"}', '{"format": 1}'])
def test_folder_with_some_other_manifest_is_refused(tmp_path: Path, text: str) -> None:
    (tmp_path / "manifest.json").write_text(text)
    with pytest.raises(OutputExistsError):
        check_target(tmp_path)


def test_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "bundle").write_text("")
    with pytest.raises(OutputExistsError):
        check_target(tmp_path / "bundle")


def test_link_is_refused(tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(bundle_at(tmp_path / "bundle", "old"))
    with pytest.raises(OutputExistsError):
        check_target(tmp_path / "link")
