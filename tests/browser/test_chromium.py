"""A Chromium that is not there, or is none, is named before anything is asked of it."""

from __future__ import annotations

import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from pagelm_builder.errors import BrowserError
from pagelm_builder.verify import chromium
from pagelm_builder.verify.chromium import find_chromium, open_chromium


@pytest.mark.parametrize("path", [Path("/nowhere/chromium"), Path(sys.executable)], ids=["missing", "python"])
def test_a_path_that_is_no_chromium_is_named(path: Path) -> None:
    with ThreadPoolExecutor(1) as threads:  # in this one Playwright may run already
        opening = threads.submit(lambda: open_chromium(path).__enter__())
    with pytest.raises(BrowserError, match="does not start") as refused:
        opening.result()
    assert str(path) in str(refused.value)
    assert "playwright install chromium" in refused.value.remedy


def test_the_variable_must_name_a_file(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PAGELM_CHROMIUM", str(tmp_path / "none"))
    with pytest.raises(BrowserError, match="PAGELM_CHROMIUM names"):
        find_chromium()
    monkeypatch.setenv("PAGELM_CHROMIUM", sys.executable)
    assert find_chromium() == sys.executable


def test_hardware_is_only_used_when_it_is_asked_for() -> None:
    assert "--use-webgpu-adapter=swiftshader" in chromium.launch_arguments()
    assert not [flag for flag in chromium.launch_arguments(hardware=True) if "swiftshader" in flag]
