"""The examples in the runtime's docstrings do what they say."""

from __future__ import annotations

import doctest
from importlib import import_module
from pkgutil import iter_modules

import pytest

import pagelm

MODULES = [name for _, name, _ in iter_modules(pagelm.__path__) if not name.startswith("_")]
WITH_EXAMPLES = {
    "backend",
    "bundle_locations",
    "engine",
    "engine_steps",
    "errors",
    "events",
    "response_format",
    "sampling_options",
    "scripted",
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
