"""The table of what is left out of the standard library says what is so."""

from __future__ import annotations

from pathlib import Path

import pytest

from pagelm_builder.errors import SiteError
from pagelm_builder.site.archive import read_archive
from pagelm_builder.site.standard_library import KEPT_ENCODINGS, LEFT_OUT, is_left_out, read_sources

PYODIDE = Path(__file__).parents[3] / "node_modules" / "pyodide"


@pytest.fixture(scope="module")
def shipped() -> set[str]:
    return set(read_archive((PYODIDE / "python_stdlib.zip").read_bytes()))


@pytest.mark.parametrize("path", [path for paths in LEFT_OUT.values() for path in paths.split()])
def test_what_is_left_out_is_in_the_shipped_zip(path: str, shipped: set[str]) -> None:
    assert any(name == path or name.startswith(path + "/") for name in shipped)


def test_every_kept_encoding_is_in_the_shipped_zip(shipped: set[str]) -> None:
    assert {f"encodings/{name}.py" for name in KEPT_ENCODINGS} <= shipped


def test_a_folder_stands_for_all_that_is_in_it() -> None:
    assert is_left_out("unittest/mock.py")
    assert is_left_out("xml/etree/ElementTree.py")


@pytest.mark.parametrize(
    "name", ["xmlish.py", "asyncio/unittest.py", "json/decoder.py", "encodings/utf_8.py"]
)
def test_a_similar_name_stays(name: str) -> None:
    assert not is_left_out(name)


def test_the_trimmed_zip_is_the_shipped_one_without_what_is_left_out(shipped: set[str]) -> None:
    kept = set(read_archive(read_sources(PYODIDE)))
    assert kept == {name for name in shipped if not is_left_out(name)}
    assert len(kept) < 0.75 * len(shipped)


def test_a_package_without_its_standard_library_is_named(tmp_path: Path) -> None:
    with pytest.raises(SiteError, match=r"python_stdlib\.zip is missing.*npm ci"):
        read_sources(tmp_path)
