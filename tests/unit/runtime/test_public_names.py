"""What `import pagelm` gives, and what it must not need."""

from __future__ import annotations

import importlib
import importlib.abc
import inspect
import sys
from types import ModuleType

import pytest

import pagelm

NOT_NEEDED = {"numpy", "onnxruntime", "js", "pyodide", "pyodide_js", "pagelm_builder"}


class Refusing(importlib.abc.MetaPathFinder):
    """Fails the import of what the runtime must not need."""

    def find_spec(self, fullname: str, path: object = None, target: ModuleType | None = None) -> None:
        if fullname.partition(".")[0] in NOT_NEEDED:
            raise AssertionError(f"import pagelm reaches for {fullname}")


def test_all_lists_every_public_name() -> None:
    public = {
        name
        for name, value in vars(pagelm).items()
        if not name.startswith("_") and not inspect.ismodule(value)
    }
    assert public == set(pagelm.__all__)


def test_all_is_sorted_and_without_doubles() -> None:
    assert sorted(set(pagelm.__all__)) == pagelm.__all__


def test_import_needs_neither_numpy_nor_javascript(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in list(sys.modules):
        if name.partition(".")[0] in {"pagelm", *NOT_NEEDED}:
            monkeypatch.delitem(sys.modules, name)
    monkeypatch.setattr(sys, "meta_path", [Refusing(), *sys.meta_path])
    for module in ("pagelm", "pagelm.page_session", "pagelm.manifest", "pagelm.thinking"):
        importlib.import_module(module)


def test_every_public_thing_says_what_it_is() -> None:
    undocumented = [name for name in pagelm.__all__ if not inspect.getdoc(getattr(pagelm, name))]
    assert undocumented in ([], ["Event"])
