"""The committed tables are those of Unicode 16.0 and of the normalizer that `tokenizers` has."""

from __future__ import annotations

from pathlib import Path

import pytest

from pagelm_builder import unicode_tables
from pagelm_builder.errors import BuildError


def test_the_committed_tables_are_what_is_generated() -> None:
    assert unicode_tables.TARGET.read_text(encoding="utf-8") == unicode_tables.generate_tables()


def test_ranges_are_half_open_and_flat() -> None:
    assert unicode_tables.to_boundaries([1, 2, 3, 7, 9, 10]) == [1, 4, 7, 8, 9, 11]


def test_another_unicode_version_is_refused() -> None:
    with pytest.raises(BuildError, match=r"carries Unicode 17\.0\.0.*expected Unicode 16\.0\.0"):
        unicode_tables.parse_facts('{"version": "17.0.0"}')


def test_without_pyodide_the_remedy_is_named(tmp_path: Path) -> None:
    with pytest.raises(BuildError, match="npm ci"):
        unicode_tables.read_unicode_facts(tmp_path / "pyodide.mjs")
