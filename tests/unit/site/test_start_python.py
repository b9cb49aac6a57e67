"""A site starts Python, imports all that it ships, and needs nothing from elsewhere."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest

from pagelm_builder.site.bytecode import find_node

SCRIPT = Path(__file__).with_name("start_python.mjs")
RUNTIME = Path(__file__).parents[3] / "py_runtime" / "pagelm"

pytestmark = pytest.mark.pyodide


@pytest.fixture(scope="module")
def started(built_site: Path) -> subprocess.CompletedProcess[str]:
    command: list[str | Path] = [find_node(), SCRIPT, built_site]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, done.stderr[-2000:]
    return done


@pytest.fixture(scope="module")
def found(started: subprocess.CompletedProcess[str]) -> dict[str, Any]:
    result: dict[str, Any] = json.loads(started.stdout)
    return result


def test_every_module_of_the_site_can_be_imported(found: dict[str, Any]) -> None:
    assert found["failures"] == {}
    assert found["library_modules"] > 200


def test_the_whole_runtime_is_there(found: dict[str, Any]) -> None:
    expected = {f"pagelm.{path.stem}" for path in RUNTIME.glob("*.py")} - {"pagelm.__init__"}
    assert set(found["runtime"]) >= expected


def test_packages_come_from_the_wheels_of_the_site_as_bytecode(found: dict[str, Any]) -> None:
    assert all(
        origin.endswith("/site-packages/" + name + "/__init__.pyc")
        for name, origin in found["origins"].items()
    )


def test_installed_versions_can_be_asked_for(found: dict[str, Any]) -> None:
    assert found["versions"] == {"pagelm": "0.1.0", "jinja2": "3.1.6", "markupsafe": "3.0.4"}


def test_the_template_engine_escapes_without_its_extension_module(found: dict[str, Any]) -> None:
    assert found["rendered"] == "&lt;b&gt;"


def test_nothing_is_fetched_from_elsewhere(found: dict[str, Any]) -> None:
    assert found["fetched"] == []


def test_python_starts_without_a_complaint(started: subprocess.CompletedProcess[str]) -> None:
    assert started.stderr == ""


def test_the_index_names_the_python_that_runs(found: dict[str, Any], built_site: Path) -> None:
    index = json.loads((built_site / "site.json").read_text("utf-8"))
    assert found["python"] == index["python"]["version"]
