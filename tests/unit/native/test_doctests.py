"""The examples in the runtime's docstrings do what they say."""

from __future__ import annotations

import doctest
import re
from importlib import import_module
from pathlib import Path
from pkgutil import iter_modules

import pytest

import pagelm

MODULES = [name for _, name, _ in iter_modules(pagelm.__path__) if not name.startswith("_")]
GUIDE = Path(__file__).parents[3] / "docs" / "python.md"
WITH_EXAMPLES = {
    "backend",
    "bundle_locations",
    "engine",
    "engine_steps",
    "errors",
    "events",
    "manifest",
    "response_format",
    "sampling_options",
    "scripted",
    "stopwatch",
    "tool_calls",
    "tools",
}


@pytest.mark.parametrize("name", MODULES)
def test_examples_are_true(name: str) -> None:
    results = doctest.testmod(
        import_module(f"pagelm.{name}"),
        optionflags=doctest.ELLIPSIS,
    )
    assert results.failed == 0
    assert (results.attempted > 0) == (name in WITH_EXAMPLES)


def test_every_public_name_is_in_an_example_that_is_run() -> None:
    texts = [GUIDE.read_text(encoding="utf-8")]
    texts += [doctest_of.docstring for name in MODULES for doctest_of in _docstrings(name)]
    examples = "".join(
        example.source for text in texts for example in doctest.DocTestParser().get_examples(text)
    )
    used = set(re.findall(r"\w+", examples))
    assert set(pagelm.__all__) - used == set()


def _docstrings(name: str) -> list[doctest.DocTest]:
    return doctest.DocTestFinder().find(import_module(f"pagelm.{name}"))
