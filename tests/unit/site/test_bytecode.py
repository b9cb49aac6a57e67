"""Bytecode is Pyodide's own, and the same in every build."""

from __future__ import annotations

from pathlib import Path

import pytest

from pagelm_builder.errors import SiteError
from pagelm_builder.site.archive import read_archive, write_archive
from pagelm_builder.site.build_cache import BuildCache
from pagelm_builder.site.bytecode import compile_archives

PYODIDE = Path(__file__).parents[3] / "node_modules" / "pyodide"
MAGIC_NUMBER_3_14 = b"\x2b\x0e\r\n"

SHAPES = b"""NAMES = frozenset({"width", "height", "depth"})

def area(width, height):
    return width * height
"""
FIRST = write_archive({"shapes.py": SHAPES, "notes.txt": b"kept"}, stored=True)
SECOND = write_archive({"words.py": b"width = 'height'\n" * 50}, stored=True)


@pytest.mark.pyodide
def test_sources_become_bytecode_of_the_interpreter_of_the_page(tmp_path: Path) -> None:
    compiled = compile_archives({"first": FIRST}, pyodide=PYODIDE, cache=BuildCache(tmp_path))
    members = read_archive(compiled["first"])
    assert set(members) == {"shapes.pyc", "notes.txt"}
    assert members["notes.txt"] == b"kept"
    assert members["shapes.pyc"].startswith(MAGIC_NUMBER_3_14 + b"\x01\0\0\0")  # PEP 552: unchecked hash


@pytest.mark.pyodide
def test_bytes_do_not_depend_on_what_was_compiled_before(tmp_path: Path) -> None:
    one = compile_archives({"a": FIRST, "b": SECOND}, pyodide=PYODIDE, cache=BuildCache(tmp_path / "1"))
    other = compile_archives({"b": SECOND, "a": FIRST}, pyodide=PYODIDE, cache=BuildCache(tmp_path / "2"))
    assert one == other


@pytest.mark.pyodide
def test_a_source_that_does_not_compile_is_named(tmp_path: Path) -> None:
    broken = write_archive({"package/broken.py": b"def f(:\n"}, stored=True)
    with pytest.raises(SiteError, match=r"(?s)compiling the broken one failed.*package/broken\.py"):
        compile_archives({"the broken one": broken}, pyodide=PYODIDE, cache=BuildCache(tmp_path))
    assert not list(tmp_path.iterdir())


def test_what_was_compiled_before_needs_no_node(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    cache = BuildCache(tmp_path / "cache")
    monkeypatch.setattr(
        "pagelm_builder.site.bytecode._compile_under_node", lambda sources, pyodide: {"a": b"compiled"}
    )
    compile_archives({"a": FIRST}, pyodide=PYODIDE, cache=cache)
    monkeypatch.undo()
    monkeypatch.setenv("PATH", str(tmp_path))
    assert compile_archives({"a": FIRST}, pyodide=PYODIDE, cache=cache) == {"a": b"compiled"}


def test_a_machine_without_node_is_told_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(SiteError, match=r"node was not found .*Node 20"):
        compile_archives({"a": FIRST}, pyodide=PYODIDE, cache=BuildCache(tmp_path))
