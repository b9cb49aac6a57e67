"""Archives depend on their members alone."""

from __future__ import annotations

import io
import zipfile

from pagelm_builder.site.archive import read_archive, write_archive

MEMBERS = {"b.txt": b"second " * 100, "a/é.txt": b"first", "empty": b""}


def test_order_of_members_does_not_change_the_bytes() -> None:
    backwards = dict(reversed(MEMBERS.items()))
    assert write_archive(MEMBERS, stored=True) == write_archive(backwards, stored=True)


def test_what_was_written_is_read_back() -> None:
    for stored in (True, False):
        assert read_archive(write_archive(MEMBERS, stored=stored)) == MEMBERS


def test_stored_leaves_members_uncompressed_and_deflated_shrinks_them() -> None:
    stored, deflated = write_archive(MEMBERS, stored=True), write_archive(MEMBERS, stored=False)
    assert MEMBERS["b.txt"] in stored
    assert MEMBERS["b.txt"] not in deflated
    assert len(deflated) < len(stored)


def test_folders_are_not_members() -> None:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.mkdir("folder")
        archive.writestr("folder/file", b"content")
    assert read_archive(buffer.getvalue()) == {"folder/file": b"content"}
