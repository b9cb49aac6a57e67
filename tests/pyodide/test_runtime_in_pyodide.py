"""The runtime's unit tests once more, inside Pyodide; each inner test is a subtest here."""

from __future__ import annotations

from typing import Any

import pytest

from pyodide_runner import REPOSITORY, run_in_pyodide

pytestmark = pytest.mark.pyodide

CANARY = "tests/pyodide/canary.py::test_failures_are_reported"
FILES = sorted(
    str(path.relative_to(REPOSITORY))
    for tree in ("runtime", "text", "structured", "tools")
    for path in (REPOSITORY / "tests" / "unit" / tree).glob("test_*.py")
)


@pytest.fixture(scope="session")
def results(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """What `inner_pytest.main` reports; Pyodide starts once for all of this file."""
    reported = run_in_pyodide("inner_pytest", tmp_path_factory.mktemp("pyodide"))
    assert isinstance(reported, dict)
    return reported


def test_it_really_was_pyodide(results: dict[str, Any]) -> None:
    assert results["platform"] == "emscripten"


def test_a_failure_inside_is_seen_outside(results: dict[str, Any]) -> None:
    canary = results["tests"][CANARY]
    assert canary["outcome"] == "failed"
    assert "assert 'the canary' == 'singing'" in canary["text"]
    assert results["exit_code"] == pytest.ExitCode.TESTS_FAILED


def test_nothing_fails_outside_the_known_files(results: dict[str, Any]) -> None:
    known = {*FILES, CANARY.split("::")[0]}
    strangers = {
        nodeid: test for nodeid, test in results["tests"].items() if nodeid.split("::")[0] not in known
    }
    assert strangers == {}


@pytest.mark.parametrize("file", FILES)
def test_file_passes_inside_pyodide(results: dict[str, Any], file: str, subtests: pytest.Subtests) -> None:
    tests = {nodeid: test for nodeid, test in results["tests"].items() if nodeid.split("::")[0] == file}
    assert tests, f"no test of {file} was run"
    for nodeid, test in tests.items():
        with subtests.test(nodeid):
            assert test["outcome"] == "passed", test["text"]
