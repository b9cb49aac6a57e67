"""Pyodide's lock file: the wheels of a site, what each depends on, and the sha256 that the browser checks.

Made with `pyodide-lock`, the Pyodide project's own library, in the form that both its lines have (0.1 is what
pip gives on Python 3.11, 0.2 from 3.12 on). It reads names, dependencies and import names from the wheels of
*sources*, since it knows only `.py` as an importable file and only `py3` as a tag; then the entries are
pointed at the compiled ones, as `pyodide py-compile` does.
"""

from __future__ import annotations

import json
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from pagelm_builder.errors import SiteError
from pagelm_builder.site.npm_packages import npm_command
from pagelm_builder.site.wheels import SOURCE_TAG, Wheel, write_wheel


@dataclass(frozen=True, slots=True)
class LockedFile:
    """A compiled wheel: its path relative to `packageBaseUrl`, and its hash (hexadecimal)."""

    file_name: str
    sha256: str


def read_interpreter(pyodide: Path) -> dict[str, str]:
    """What the npm package says of its interpreter: `abi_version`, `arch`, `platform`, `python`."""
    try:
        interpreter: dict[str, str] = json.loads((pyodide / "pyodide-lock.json").read_text("utf-8"))["info"]
        interpreter["python"]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise SiteError(
            f"{pyodide / 'pyodide-lock.json'} does not describe an interpreter",
            expected="the file that the npm package pyodide brings",
            remedy=f"Run `{npm_command()}`.",
        ) from error
    return interpreter


def make_lock_file(
    wheels: list[Wheel],
    compiled: Mapping[str, LockedFile],
    interpreter: Mapping[str, str],
    pyodide_version: str,
) -> bytes:
    """The lock file as JSON, with the same bytes in every build.

    Args:
        wheels: Wheels of sources; all dependencies among themselves.
        compiled: Name → the file that takes the wheel's place.
        interpreter: As `read_interpreter` gives it.
    """
    try:
        from pyodide_lock import PyodideLockSpec
        from pyodide_lock.utils import add_wheels_to_spec
    except ImportError as error:
        raise SiteError(
            f"pyodide-lock cannot be imported ({error})",
            expected="pyodide-lock[wheel]",
            remedy="pip install 'pagelm[build]'",
        ) from error
    with tempfile.TemporaryDirectory(prefix="pagelm-lock-") as name:
        folder = Path(name)
        empty = folder / "empty.json"
        # pyodide-lock 0.1 wants Pyodide's version too; 0.2 takes it and leaves it out again.
        empty.write_text(
            json.dumps({"info": {"version": pyodide_version, **interpreter}, "packages": {}}), "utf-8"
        )
        files = [folder / wheel.file_name(SOURCE_TAG) for wheel in wheels]
        for wheel, file in zip(wheels, files, strict=True):
            file.write_bytes(write_wheel(wheel, SOURCE_TAG, stored=True))
        lock = add_wheels_to_spec(PyodideLockSpec.from_json(empty), files)
        for package in lock.packages.values():
            package.file_name = compiled[package.name].file_name
            package.sha256 = compiled[package.name].sha256
        lock.to_json(folder / "lock.json")
        return (folder / "lock.json").read_bytes()
