"""Runs inside Pyodide: the runtime's own unit tests under real pytest, and what came of each as JSON."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

CONFIGURATION = """
[pytest]
addopts = --strict-markers --strict-config --import-mode=importlib -p no:cacheprovider
pythonpath = tests
filterwarnings = error
xfail_strict = true
"""
TREES = (
    "tests/unit/runtime",
    "tests/unit/text",
    "tests/unit/structured",
    "tests/unit/tools",
    "tests/pyodide/canary.py",
)


class Results:
    """One entry per test: outcome, and the text of a failure; failing set-up and collection count too."""

    def __init__(self) -> None:
        self.tests: dict[str, dict[str, str]] = {}

    def pytest_runtest_logstart(self, nodeid: str) -> None:
        print(nodeid)  # the last one printed is where Pyodide died, should it

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        self._keep(report.nodeid, report, report.when == "call")

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        self._keep(report.nodeid, report, False)

    def _keep(self, nodeid: str, report: pytest.TestReport | pytest.CollectReport, always: bool) -> None:
        if always or report.outcome != "passed":
            self.tests[nodeid] = {"outcome": report.outcome, "text": report.longreprtext}


def main() -> str:
    """Where it ran, how it ended, and `"tests": {nodeid: {"outcome", "text"}}`."""
    sys.dont_write_bytecode = True
    configuration = Path("pytest.ini")
    configuration.write_text(CONFIGURATION)
    results = Results()
    exit_code = pytest.main(["-p", "no:terminal", "-c", str(configuration), *TREES], plugins=[results])
    return json.dumps(
        {
            "python": sys.version,
            "platform": sys.platform,
            "exit_code": int(exit_code),
            "tests": results.tests,
        }
    )
