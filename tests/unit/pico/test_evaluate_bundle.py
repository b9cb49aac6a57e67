"""The committed pico, exported and asked as a page would ask it."""

from __future__ import annotations

import asyncio
import json
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from pagelm import LanguageModel
from pagelm_builder.export import export_bundle
from pagelm_builder.pico.checkpoint_files import CHECKPOINT_DIRECTORY
from pagelm_builder.pico.evaluate_bundle import BundleAnswers, main, to_markdown
from pagelm_builder.pico.problems import Problem, Task


@pytest.fixture(scope="module")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return export_bundle(CHECKPOINT_DIRECTORY, tmp_path_factory.mktemp("out") / "pico")


@pytest.fixture
def runner() -> Iterator[asyncio.Runner]:
    with asyncio.Runner() as runner:
        yield runner


@pytest.mark.parametrize("graph", ["native", "wasm"])
def test_each_graph_answers_as_well_as_the_checkpoint(
    graph: str, bundle: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    scores = tmp_path / "scores.json"
    arguments = [str(bundle), "--graph", graph, "--problems", "24", "--json", str(scores)]
    assert main(arguments) == 0
    written = json.loads(scores.read_text(encoding="utf-8"))
    assert (written["graph"], written["problems"]) == (graph, 24)
    assert written["with_thinking"]["accuracy"] >= 0.9
    assert written["without_thinking"]["accuracy"] < written["with_thinking"]["accuracy"]
    share = written["with_thinking"]["accuracy"] * 100
    assert f"| all | 24 | {share:.1f} % |" in capsys.readouterr().out


def test_the_calculator_is_called_and_its_result_said(
    bundle: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([str(bundle), "--tools"]) == 0
    assert "| all | 100 | 100.0 % | 100.0 % |" in capsys.readouterr().out


def test_the_graph_that_was_asked_for_is_the_one_that_answers(
    bundle: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    one_graph = tmp_path / "bundle"
    shutil.copytree(bundle, one_graph)
    manifest = json.loads((one_graph / "manifest.json").read_text(encoding="utf-8"))
    del manifest["graphs"]["wasm"]
    (one_graph / "manifest.json").write_text(json.dumps(manifest), encoding="utf-8")
    assert main([str(one_graph), "--problems", "1"]) == 0
    assert main([str(one_graph), "--problems", "1", "--graph", "wasm"]) == 1
    assert "graphs.wasm is missing" in capsys.readouterr().err


def test_answers_come_in_order_without_thoughts_and_progress_counts_them(
    bundle: Path, runner: asyncio.Runner
) -> None:
    calls: list[tuple[str, int, int]] = []
    model = runner.run(LanguageModel.load(bundle, threads=1))
    answers = BundleAnswers(model, runner, lambda *call: calls.append(call))
    questions = ["What is 27 + 38?", "What is 90 - 4?"]
    texts = answers([[{"role": "user", "content": question}] for question in questions], True)
    assert ["65" in texts[0], "86" in texts[1]] == [True, True]
    assert not any("Ones" in text or "think" in text for text in texts)
    assert calls == [("with thinking", 1, 2), ("with thinking", 2, 2)]


def test_the_table_has_a_row_for_each_task_and_for_sums_of_each_length() -> None:
    tasks: list[tuple[Task, int]] = [("sum", 2), ("sum", 1), ("sum", 2), ("follow_up", 3)]
    problems = [Problem((), "", task, digits) for task, digits in tasks]
    thinking = {
        "accuracy": 1.0,
        "by_task": {"sum": 1.0, "follow_up": 1.0},
        "sums_by_digits": {"1": 1.0, "2": 1.0},
    }
    without = {
        "accuracy": 0.25,
        "by_task": {"sum": 0.3333, "follow_up": 0.0},
        "sums_by_digits": {"1": 0.0, "2": 0.5},
    }
    assert to_markdown({"with_thinking": thinking, "without_thinking": without}, problems) == (
        "| held-out problems | number | thinking | not thinking |\n"
        "|---|---:|---:|---:|\n"
        "| all | 4 | 100.0 % | 25.0 % |\n"
        "| sum | 3 | 100.0 % | 33.3 % |\n"
        "| follow up | 1 | 100.0 % | 0.0 % |\n"
        "| sum, 1 digit | 1 | 100.0 % | 0.0 % |\n"
        "| sum, 2 digits | 2 | 100.0 % | 50.0 % |\n"
    )


def test_a_folder_without_a_bundle_is_said_to_be_none(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([str(tmp_path), "--problems", "1"]) == 1
    assert capsys.readouterr().err.startswith("ManifestError: ")


def test_no_problems_are_refused(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["bundle", "--problems", "0"])
    assert "--problems: at least 1" in capsys.readouterr().err
