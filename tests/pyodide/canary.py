"""Runs inside Pyodide only: one test that must fail there, so that a lost failure would be noticed."""

from __future__ import annotations


def test_failures_are_reported() -> None:
    assert "the canary" == "singing"
