"""One small random bundle for all tests of this folder."""

from __future__ import annotations

from pathlib import Path

import pytest

from random_bundle import export_random_bundle


@pytest.fixture(scope="session")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return export_random_bundle(tmp_path_factory.mktemp("verify"))
