"""Wheels hold the runtime and its dependencies, pure, whole and pinned."""

from __future__ import annotations

import base64
import csv
import hashlib
import io
from pathlib import Path

import pytest

from pagelm_builder.errors import SiteError
from pagelm_builder.site import wheels as wheels_module
from pagelm_builder.site.archive import read_archive, write_archive
from pagelm_builder.site.build_cache import BuildCache
from pagelm_builder.site.locations import default_cache_folder
from pagelm_builder.site.wheels import (
    PIN,
    PINS,
    Wheel,
    download_wheels,
    make_runtime_wheel,
    read_wheel,
    write_wheel,
)

RUNTIME = Path(__file__).parents[3] / "py_runtime" / "pagelm"


def test_the_runtime_wheel_holds_every_module_of_the_runtime_and_no_other() -> None:
    expected = {f"pagelm/{path.relative_to(RUNTIME).as_posix()}" for path in RUNTIME.rglob("*.py")}
    assert {name for name in make_runtime_wheel().members if name.endswith(".py")} == expected


def test_the_runtime_wheel_carries_no_compiled_files_of_the_host() -> None:
    assert not [name for name in make_runtime_wheel().members if "__pycache__" in name]


def test_the_runtime_wheel_requires_the_template_engine_and_nothing_of_the_extras() -> None:
    wheel = make_runtime_wheel()
    metadata = wheel.members[f"{wheel.dist_info}/METADATA"].decode()
    assert [line for line in metadata.splitlines() if line.startswith("Requires-Dist")] == [
        "Requires-Dist: jinja2>=3.1.6"
    ]


def test_every_member_is_recorded_with_its_hash() -> None:
    wheel = make_runtime_wheel()
    members = read_archive(write_wheel(wheel, "py3-none-any", stored=False))
    record = f"{wheel.dist_info}/RECORD"
    rows = {name: (digest, size) for name, digest, size in csv.reader(io.StringIO(members[record].decode()))}
    assert rows.keys() == members.keys()
    assert rows.pop(record) == ("", "")
    for name, (digest, size) in rows.items():
        expected = base64.urlsafe_b64encode(hashlib.sha256(members[name]).digest()).decode().rstrip("=")
        assert (digest, size) == (f"sha256={expected}", str(len(members[name])))


def test_the_same_members_give_the_same_wheel() -> None:
    wheel = make_runtime_wheel()
    backwards = Wheel(wheel.name, wheel.version, dict(reversed(wheel.members.items())))
    assert write_wheel(wheel, "py3-none-any", stored=True) == write_wheel(
        backwards, "py3-none-any", stored=True
    )


def test_pinned_wheels_are_pure_python() -> None:
    downloaded = download_wheels(BuildCache(default_cache_folder()), python_version="3.14")
    assert [wheel.name for wheel in downloaded] == ["jinja2", "markupsafe"]
    for wheel in downloaded:
        assert wheel.licenses()
        assert not [name for name in wheel.members if name.endswith((".so", ".pyd", ".c"))]
    assert "markupsafe/_native.py" in downloaded[1].members


def test_what_only_a_native_interpreter_can_use_is_left_out() -> None:
    archive = write_archive(
        {
            "p/__init__.py": b"",
            "p/_speedups.c": b"",
            "p/_speedups.cpython-314-x86_64-linux-gnu.so": b"",
            "p/other.so": b"",
            "p/speed.py": b"",
            "p-1.dist-info/RECORD": b"",
        },
        stored=True,
    )
    assert set(read_wheel("p", "1", archive).members) == {"p/__init__.py", "p/speed.py"}


def test_every_requirement_is_pinned_by_hash() -> None:
    lines = [line for line in PINS.read_text("utf-8").splitlines() if line and not line.startswith("#")]
    assert lines
    assert all(PIN.fullmatch(line) for line in lines)


def test_a_wheel_with_other_bytes_than_pinned_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """pip finds a jinja2 of the right version whose content is another."""
    index = tmp_path / "index"
    index.mkdir()
    altered = Wheel("jinja2", "3.1.6", {"jinja2-3.1.6.dist-info/METADATA": b"Name: jinja2\nVersion: 3.1.6\n"})
    (index / altered.file_name("py3-none-any")).write_bytes(write_wheel(altered, "py3-none-any", stored=True))
    pins = tmp_path / "wheels.lock"
    pins.write_text(PINS.read_text("utf-8").replace("\nmarkupsafe==", "\n# markupsafe=="), "utf-8")
    monkeypatch.setattr(wheels_module, "PINS", pins)
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(index))
    monkeypatch.setenv("PIP_CONFIG_FILE", "/dev/null")
    with pytest.raises(SiteError, match=r"(?s)could not download .*DO NOT MATCH"):
        download_wheels(BuildCache(tmp_path / "cache"), python_version="3.14")
