"""Accuracy against thinking budget: it rises on the committed pico, and the plot says what was measured."""

from __future__ import annotations

from pathlib import Path

import pytest

from pagelm_builder.export import export_bundle
from pagelm_builder.pico.checkpoint_files import CHECKPOINT_DIRECTORY
from pagelm_builder.pico.evaluate_budgets import accuracy_by_budget, main, to_markdown
from pagelm_builder.pico.problems import heldout_problems


def test_more_reasoning_solves_more_problems(tmp_path: Path) -> None:
    bundle = export_bundle(CHECKPOINT_DIRECTORY, tmp_path / "pico")
    found = accuracy_by_budget(bundle, heldout_problems(40), (0, 40, 120), lambda *_: None)
    assert found[0] < found[1] < found[2]
    assert found[2] >= 0.9


def test_the_plot_has_a_point_for_each_budget() -> None:
    text = to_markdown((0, 20), (0.25, 0.975), 40)
    assert "line [25.0, 97.5]" in text
    assert "| thinking_budget | 0 | 20 |" in text
    assert "| solved, % | 25.0 | 97.5 |" in text


def test_a_folder_that_is_no_bundle_is_an_error_of_its_name(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([str(tmp_path), "--problems", "1"]) == 1
    assert capsys.readouterr().err.startswith("ManifestError")
