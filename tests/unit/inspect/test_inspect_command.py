"""`pagelm inspect` on a real bundle: what it says is what is there, and what is not is named."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import onnx
import pytest

from altered_bundle import replace_graph
from pagelm_builder import cli
from random_bundle import CONFIG, export_random_bundle

# 288 × 64, then per layer q, k, v, o, gate, up, down and the norms, then the last norm
PARAMETERS = 288 * 64 + 2 * (2 * 128 * 64 + 2 * 64 * 64 + 3 * 96 * 64 + 2 * 64 + 2 * 32) + 64


@pytest.fixture(scope="module")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return export_random_bundle(tmp_path_factory.mktemp("inspect"))


@pytest.fixture
def copied(bundle: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(bundle, tmp_path / "copied"))


def inspected(bundle: Path, capsys: pytest.CaptureFixture[str]) -> str:
    assert cli.main(["inspect", str(bundle)]) == 0
    return capsys.readouterr().out


def test_programs_get_the_sizes(bundle: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["inspect", str(bundle), "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["parameters"] == PARAMETERS
    assert found["model"]["hidden_size"] == CONFIG["hidden_size"]
    size = sum(path.stat().st_size for path in (bundle / "weights").iterdir())
    assert sum(group["bytes"] for group in found["tensor_groups"]) == size == found["weights"]["bytes"]
    for name, graph in found["graphs"].items():
        [file] = (bundle / "graphs").glob(f"{name}.*.onnx")
        assert graph["bytes"] == file.stat().st_size
        assert graph["nodes"] == len(onnx.load(file, load_external_data=False).graph.node)
    assert found["tokenizer"]["tokens"] == 256 + 5
    assert found["parity"] == json.loads((bundle / "manifest.json").read_text())["parity"]


def test_people_get_the_same_in_lines_of_the_terminal(
    bundle: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    for columns in (80, 110):
        monkeypatch.setenv("COLUMNS", str(columns))
        out = inspected(bundle, capsys)
        assert max(map(len, out.splitlines())) == columns
    assert f"parameters        {PARAMETERS:,}" in out
    assert "needs shader-f16" in out
    assert "\x1b" not in out
    [longest] = [line for line in out.splitlines() if line.startswith("embedding and head")]
    assert "█" in longest


def test_a_terminal_that_has_no_blocks_gets_plain_characters(
    bundle: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("pagelm_builder.commands.inspect._can_write", lambda characters: False)
    out = inspected(bundle, capsys)
    assert out.isascii()
    assert "####" in out


def test_figures_that_this_version_does_not_know_are_shown(
    copied: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    manifest = json.loads((copied / "manifest.json").read_text())
    manifest["parity"] = {"of_tomorrow": {"share": 0.25}, "runs": 3}
    (copied / "manifest.json").write_text(json.dumps(manifest))
    out = inspected(copied, capsys)
    assert "  of tomorrow     share 0.25" in out
    assert "3 runs" in out


def test_a_missing_graph_is_named(copied: Path, capsys: pytest.CaptureFixture[str]) -> None:
    [graph] = (copied / "graphs").glob("wasm.*")
    graph.unlink()
    assert cli.main(["inspect", str(copied)]) == 1
    assert capsys.readouterr().err.startswith(f"pagelm: PartMissingError: {graph} is missing")


def test_a_graph_that_is_not_onnx_is_named(copied: Path, capsys: pytest.CaptureFixture[str]) -> None:
    replace_graph(copied, "native", b"<html>not a graph</html>")
    assert cli.main(["inspect", str(copied)]) == 1
    assert capsys.readouterr().err.startswith("pagelm: VerificationError: graph native: is not ONNX")


def test_a_folder_without_a_bundle_is_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["inspect", str(tmp_path)]) == 1
    assert capsys.readouterr().err.startswith("pagelm: ManifestError: ")
