"""A folder is exchanged whole, and what a killed build left goes with the next one."""

from __future__ import annotations

import errno
import os
import subprocess
import sys
from pathlib import Path

import pytest

from pagelm_builder.errors import DiskFullError
from pagelm_builder.replacement import replacing


@pytest.fixture
def dead() -> int:
    """The number of a process that has ended."""
    ended = subprocess.Popen([sys.executable, "-c", ""])
    ended.wait()
    return ended.pid


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def write_one_file(folder: Path, content: str) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "file").write_text(content, "utf-8")


def start_and_interrupt(out: Path) -> None:
    with replacing(out) as aside:
        write_one_file(aside, "new")
        raise KeyboardInterrupt


def test_the_new_folder_takes_the_place_of_the_old(tmp_path: Path) -> None:
    out = tmp_path / "dist"
    for content in ("old", "new"):
        with replacing(out) as aside:
            write_one_file(aside, content)
    assert (out / "file").read_text("utf-8") == "new"
    assert names(tmp_path) == ["dist"]


def test_folders_above_it_are_made(tmp_path: Path) -> None:
    with replacing(tmp_path / "a" / "b" / "dist") as aside:
        write_one_file(aside, "new")
    assert names(tmp_path / "a" / "b") == ["dist"]


def test_a_block_that_fails_changes_nothing(tmp_path: Path) -> None:
    write_one_file(tmp_path / "dist", "old")
    with pytest.raises(KeyboardInterrupt):
        start_and_interrupt(tmp_path / "dist")
    assert (tmp_path / "dist" / "file").read_text("utf-8") == "old"
    assert names(tmp_path) == ["dist"]


def test_what_a_killed_build_left_is_removed(dead: int, tmp_path: Path) -> None:
    for kind in ("partial", "older"):
        write_one_file(tmp_path / f".dist.{dead}.{kind}", "left")
    write_one_file(tmp_path / "dist", "whole")
    with pytest.raises(KeyboardInterrupt):
        start_and_interrupt(tmp_path / "dist")
    assert names(tmp_path) == ["dist"]


def test_what_a_living_build_writes_stays(tmp_path: Path) -> None:
    write_one_file(tmp_path / f".dist.{os.getppid()}.partial", "being written")
    with replacing(tmp_path / "dist") as aside:
        write_one_file(aside, "new")
    assert names(tmp_path) == [f".dist.{os.getppid()}.partial", "dist"]


@pytest.mark.parametrize(
    "name", [".other.{}.partial", ".distant.{}.partial", ".dist.{}.txt", ".dist.x.partial"]
)
def test_what_belongs_to_others_stays(name: str, dead: int, tmp_path: Path) -> None:
    write_one_file(tmp_path / name.format(dead), "another's")
    with replacing(tmp_path / "dist") as aside:
        write_one_file(aside, "new")
    assert (tmp_path / name.format(dead) / "file").exists()


def test_a_folder_that_was_only_renamed_for_the_exchange_comes_back(dead: int, tmp_path: Path) -> None:
    write_one_file(tmp_path / f".dist.{dead}.older", "old")
    with pytest.raises(KeyboardInterrupt):
        start_and_interrupt(tmp_path / "dist")
    assert (tmp_path / "dist" / "file").read_text("utf-8") == "old"
    assert names(tmp_path) == ["dist"]


@pytest.mark.parametrize(
    ("number", "named"), [(errno.ENOSPC, True), (errno.EDQUOT, True), (errno.EACCES, False)], ids=str
)
def test_a_full_disk_is_named_and_another_error_is_left_as_it_is(
    number: int, named: bool, tmp_path: Path
) -> None:
    def fail() -> None:
        with replacing(tmp_path / "dist") as aside:
            write_one_file(aside, "half")
            raise OSError(number, os.strerror(number))

    write_one_file(tmp_path / "dist", "old")
    with pytest.raises(DiskFullError if named else PermissionError):
        fail()
    assert (tmp_path / "dist" / "file").read_text("utf-8") == "old"
    assert names(tmp_path) == ["dist"]
