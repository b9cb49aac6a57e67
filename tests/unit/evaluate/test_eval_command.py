"""`pagelm eval`: what it prints, and how its errors leave it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from pagelm_builder import cli
from pagelm_builder.documents import EVALUATION, Document, read_documents
from pagelm_builder.embedded_model import embedded_checkpoint
from pagelm_builder.evaluate import measure
from pagelm_builder.evaluate.comparison import Comparison

RESULT = Comparison(1200, 0.10412, 0.8371, 12.3456, 11.5)


@pytest.fixture
def calls(monkeypatch: pytest.MonkeyPatch) -> list[tuple[Path, Path, list[Document], str]]:
    """What `measure_bundle` is called with, instead of doing it."""
    found: list[tuple[Path, Path, list[Document], str]] = []

    def note(
        bundle: Path, reference: Path, documents: list[Document], *, graph: str, progress: object
    ) -> object:
        found.append((bundle, reference, documents, graph))
        return RESULT

    monkeypatch.setattr(measure, "measure_bundle", note)
    return found


def test_people_get_four_lines(
    calls: list[tuple[Path, Path, list[Document], str]], capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.main(["eval", "b", "--reference", "pico"]) == 0
    assert capsys.readouterr().out.splitlines() == [
        "graph native, 1200 tokens of evaluation.jsonl",
        "KL divergence    0.1041 nats per token",
        "top-1 agreement  83.7 %",
        "perplexity       12.346, the checkpoint's own 11.500",
    ]
    [(bundle, reference, documents, graph)] = calls
    assert (bundle, reference, graph) == (Path("b"), embedded_checkpoint(), "native")
    assert documents == read_documents(embedded_checkpoint() / EVALUATION)


def test_programs_get_one_object(
    calls: list[tuple[Path, Path, list[Document], str]], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    text = tmp_path / "mine.txt"
    text.write_text("some words")
    arguments = ["eval", "b", "--reference", "c", "--text", str(text), "--graph", "wasm", "--json"]
    assert cli.main(arguments) == 0
    assert json.loads(capsys.readouterr().out) == {
        "graph": "wasm",
        "text": str(text),
        "positions": 1200,
        "kl_divergence_mean": 0.10412,
        "top_1_agreement": 0.8371,
        "perplexity": 12.3456,
        "reference_perplexity": 11.5,
    }
    assert [(call[1], call[3]) for call in calls] == [(Path("c"), "wasm")]


def test_a_text_that_is_not_there_is_named(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["eval", "b", "--reference", "pico", "--text", "nothing.txt"]) == 1
    assert capsys.readouterr().err.startswith("pagelm: DocumentError: nothing.txt cannot be read")


def test_a_bundle_that_is_not_there_is_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["eval", str(tmp_path / "none"), "--reference", "pico"]) == 1
    assert "manifest.json" in capsys.readouterr().err
