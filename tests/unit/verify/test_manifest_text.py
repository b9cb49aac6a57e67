"""One key goes into a manifest; nothing else of the file changes, and nothing half-written stays."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pagelm_builder.errors import DiskFullError, VerificationError
from pagelm_builder.verify.manifest_text import with_key, write_key

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3),
    max_leaves=8,
)
OBJECTS = st.dictionaries(st.text(max_size=4), JSON, min_size=1, max_size=5)


@given(OBJECTS, JSON, st.sampled_from([None, 1, 4]), st.booleans())
def test_any_object_gets_the_key_and_keeps_its_text(
    value: dict[str, Any], added: Any, indent: int | None, ascii_only: bool
) -> None:
    value.pop("key", None)
    text = json.dumps(value, indent=indent, ensure_ascii=ascii_only) + "\n"
    if value:
        once = with_key(text, "key", added)
        assert json.loads(once) == {**value, "key": added}
        assert once.startswith(text.rstrip()[:-1].rstrip())
        assert with_key(once, "key", added) == once


def test_a_value_that_is_there_is_replaced_where_it_stands() -> None:
    text = '{\n "a": 1,\n "key" : {"old": [1, 2]} ,\n "z": "key"\n}\n'
    assert with_key(text, "key", [3]) == '{\n "a": 1,\n "key" : [3] ,\n "z": "key"\n}\n'


def test_a_key_inside_another_value_is_left_alone() -> None:
    assert with_key('{"a": {"key": 1}}', "key", 2) == '{"a": {"key": 1},\n "key": 2}'


def test_the_file_is_replaced_and_nothing_lies_beside_it(tmp_path: Path) -> None:
    manifest = tmp_path / "manifest.json"
    manifest.write_bytes(b'{"name": "\xc3\xa4"}\n')
    write_key(manifest, '{"name": "ä"}\n', "key", 1)
    assert manifest.read_bytes() == b'{"name": "\xc3\xa4",\n "key": 1}\n'
    assert list(tmp_path.iterdir()) == [manifest]


def test_a_manifest_that_somebody_changed_meanwhile_is_left_to_them(tmp_path: Path) -> None:
    manifest = tmp_path / "manifest.json"
    manifest.write_text('{"name": "new"}')
    with pytest.raises(VerificationError, match="was changed while the bundle was verified"):
        write_key(manifest, '{"name": "old"}', "key", 1)
    assert manifest.read_text() == '{"name": "new"}'
    assert list(tmp_path.iterdir()) == [manifest]


def test_a_full_disk_leaves_the_manifest(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    manifest = tmp_path / "manifest.json"
    manifest.write_text('{"name": "a"}')

    def fill_up(path: Path, data: bytes) -> int:
        path.touch()
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "write_bytes", fill_up)
    with pytest.raises(DiskFullError):
        write_key(manifest, '{"name": "a"}', "key", 1)
    assert manifest.read_text() == '{"name": "a"}'
    assert list(tmp_path.iterdir()) == [manifest]
