"""The lock file says what depends on what, and which compiled wheel stands for each."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from pagelm_builder.errors import SiteError
from pagelm_builder.site.lock_file import LockedFile, make_lock_file, read_interpreter
from pagelm_builder.site.wheels import Wheel

INTERPRETER = {"abi_version": "2026_0", "arch": "wasm32", "platform": "emscripten_5_0_3", "python": "3.14.2"}


def wheel(name: str, *requires: str) -> Wheel:
    lines = [
        "Metadata-Version: 2.1",
        f"Name: {name}",
        "Version: 1.0",
        *(f"Requires-Dist: {r}" for r in requires),
    ]
    metadata = "\n".join([*lines, ""]).encode()
    return Wheel(name, "1.0", {f"{name}/__init__.py": b"", f"{name}-1.0.dist-info/METADATA": metadata})


WHEELS = [
    wheel("app", "engine>=1", 'winonly; sys_platform == "win32"', "speed; extra == 'fast'"),
    wheel("engine"),
]
COMPILED = {
    name: LockedFile(f"0123/{name}-1.0-cp314-none-any.whl", name[0] * 64) for name in ("app", "engine")
}


def lock() -> bytes:
    return make_lock_file(WHEELS, COMPILED, INTERPRETER, "314.0.7")


def test_a_package_depends_on_what_it_requires_in_the_page() -> None:
    packages = json.loads(lock())["packages"]
    assert packages["app"]["depends"] == ["engine"]
    assert packages["engine"]["depends"] == []


def test_entries_point_at_the_compiled_wheels() -> None:
    app = json.loads(lock())["packages"]["app"]
    assert (app["file_name"], app["sha256"], app["imports"]) == (
        "0123/app-1.0-cp314-none-any.whl",
        "a" * 64,
        ["app"],
    )


def test_the_interpreter_is_named() -> None:
    info = json.loads(lock())["info"]
    assert {key: info[key] for key in INTERPRETER} == INTERPRETER


def test_two_locks_have_the_same_bytes() -> None:
    assert lock() == lock()


def test_a_requirement_that_no_wheel_satisfies_is_refused() -> None:
    with pytest.raises(RuntimeError, match="engine"):
        make_lock_file(WHEELS[:1], COMPILED, INTERPRETER, "314.0.7")


@pytest.mark.parametrize("content", ["", "{}", '{"info": {}}', '{"info": []}'])
def test_a_package_that_does_not_describe_its_interpreter_is_refused(tmp_path: Path, content: str) -> None:
    (tmp_path / "pyodide-lock.json").write_text(content, "utf-8")
    with pytest.raises(SiteError, match=r"pyodide-lock\.json.*npm ci"):
        read_interpreter(tmp_path)
