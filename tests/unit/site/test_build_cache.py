"""The cache keeps whole results only and never mixes two up."""

from __future__ import annotations

from pathlib import Path

import pytest

from pagelm_builder.site.build_cache import BuildCache, make_key, write_aside


def test_a_result_is_made_once(tmp_path: Path) -> None:
    cache, made = BuildCache(tmp_path), []

    def make() -> bytes:
        made.append(1)
        return b"result"

    assert [cache.recall("kind", "key", make) for _ in range(3)] == [b"result"] * 3
    assert len(made) == 1


def test_kinds_do_not_share_keys(tmp_path: Path) -> None:
    cache = BuildCache(tmp_path)
    cache.put("gzip", "key", b"one")
    assert cache.get("brotli", "key") is None


def test_where_one_input_ends_is_part_of_the_key() -> None:
    assert make_key("ab", "c") != make_key("a", "bc")
    assert make_key("ab", "c") == make_key(b"ab", b"c")


def test_a_failed_write_leaves_nothing(tmp_path: Path) -> None:
    target = tmp_path / "folder-in-the-way"
    target.mkdir()
    with pytest.raises(OSError, match="folder-in-the-way"):
        write_aside(target, b"content")
    assert [path.name for path in tmp_path.iterdir()] == ["folder-in-the-way"]
