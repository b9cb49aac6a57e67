"""Runs a module of `tests/pyodide` inside Pyodide under Node, with the runtime and its tests beside it.

    results = run_in_pyodide("inner_pytest", tmp_path)

Everything that goes in is pure Python: `py_runtime/pagelm`, parts of `tests/`, and the packages named below
out of this environment's site-packages, without their compiled modules.
"""

from __future__ import annotations

import importlib.util
import json
import subprocess
import zipfile
from collections.abc import Iterator, Mapping
from pathlib import Path

REPOSITORY = Path(__file__).parents[1]
PYODIDE = REPOSITORY / "node_modules" / "pyodide"
TREES = (
    "py_runtime/pagelm",
    "tests/unit/runtime",
    "tests/unit/text",
    "tests/unit/structured",
    "tests/unit/tools",
    "tests/contract",
    "tests/pyodide",
)
FILES = ("tests/engine_runs.py", "tests/fakes.py", "tests/posted_page.py", "tests/replies.py")
PACKAGES = ("jinja2", "markupsafe", "pytest", "_pytest", "py", "pluggy", "iniconfig", "packaging", "pygments")
TIMEOUT_SECONDS = 900


def run_in_pyodide(module: str, scratch: Path, *, extra: Mapping[str, bytes] | None = None) -> object:
    """What `module.main()` returns as JSON, called inside Pyodide.

    Args:
        module: Name of a module in `tests/pyodide`.
        scratch: An existing folder to write to.
        extra: More files, by the path that they have inside.

    Raises:
        RuntimeError: Node or Pyodide failed; with what it printed.
    """
    archive, result = scratch / "repository.zip", scratch / f"{module}.json"
    write_archive(archive, extra or {})
    run = subprocess.run(
        ["node", REPOSITORY / "tests/pyodide/run.mjs", PYODIDE, archive, module, result],
        capture_output=True,
        text=True,
        timeout=TIMEOUT_SECONDS,
        check=False,
    )
    if run.returncode:
        raise RuntimeError(f"node ended with {run.returncode}\n{run.stderr[-6000:]}")
    return json.loads(result.read_text())


def write_archive(path: Path, extra: Mapping[str, bytes]) -> None:
    """Zip what goes into Pyodide, as a small picture of the repository."""
    with zipfile.ZipFile(path, "w") as archive:
        for tree in TREES:
            for file in _sources(REPOSITORY / tree):
                archive.write(file, file.relative_to(REPOSITORY))
        for name, content in extra.items():
            archive.writestr(name, content)
        for name in FILES:
            archive.write(REPOSITORY / name, name)
        for package in PACKAGES:
            place = _package_place(package)
            for file in _sources(place) if place.is_dir() else [place]:
                archive.write(file, Path("packages") / file.relative_to(place.parent))


def _sources(folder: Path) -> Iterator[Path]:
    for file in sorted(folder.rglob("*")):
        if file.suffix in (".py", ".json", ".jinja", ".typed"):
            yield file


def _package_place(package: str) -> Path:
    """The folder of a package, the file of a module."""
    spec = importlib.util.find_spec(package)
    if spec is None or spec.origin is None:
        raise RuntimeError(f"{package} is not installed; run: make setup")
    origin = Path(spec.origin)
    return origin.parent if origin.name == "__init__.py" else origin
