"""The guide of the Python API: each block of docs/python.md does what it shows, in order and in one session,
on pico, which a host on loopback has too."""

from __future__ import annotations

import doctest
import re
from pathlib import Path

import pytest

from pagelm_builder.export import export_bundle
from pagelm_builder.pico.checkpoint_files import CHECKPOINT_DIRECTORY

GUIDE = Path(__file__).parents[3] / "docs" / "python.md"
SERVED = "http://127.0.0.1:8000/models/pico/"
FENCE = re.compile(r"^```(\w*)\n(.*?)^```$", re.DOTALL | re.MULTILINE)


@pytest.fixture
def bundle(tmp_path: Path) -> Path:
    return export_bundle(CHECKPOINT_DIRECTORY, tmp_path / "build" / "bundles" / "pico", name="pico")


def read_guide() -> str:
    return GUIDE.read_text(encoding="utf-8")


def examples(guide: str) -> list[doctest.Example]:
    """Of all blocks, with their lines in the guide."""
    found = []
    for block in FENCE.finditer(guide):
        line = guide.count("\n", 0, block.start(2))
        for example in doctest.DocTestParser().get_examples(block[2]):
            example.lineno += line
            found.append(example)
    return found


def test_the_guide_does_what_it_shows(
    host: tuple[str, object], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("PAGELM_BUNDLES", raising=False)
    monkeypatch.setenv("PAGELM_CACHE", str(tmp_path / "cache"))
    guide = read_guide()
    assert guide.count(SERVED) == 1
    guide = guide.replace(SERVED, host[0])
    session = doctest.DocTest(examples(guide), {}, GUIDE.name, str(GUIDE), 0, guide)
    report: list[str] = []
    results = doctest.DocTestRunner(optionflags=doctest.ELLIPSIS).run(session, out=report.append)
    assert not results.failed, "".join(report)


def test_every_block_of_the_guide_is_run() -> None:
    for block in FENCE.finditer(read_guide()):
        assert block[1] == "pycon"
        assert doctest.DocTestParser().get_examples(block[2])
