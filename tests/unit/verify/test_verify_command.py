"""`pagelm verify` before a browser comes up: what is refused by name, and that the manifest stays."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from altered_bundle import replace_graph
from pagelm_builder import cli

WITHOUT_PLAYWRIGHT = (
    "import sys; sys.modules['playwright'] = None; from pagelm_builder import cli; sys.exit(cli.main())"
)


def test_without_playwright_it_says_what_to_install(bundle: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", WITHOUT_PLAYWRIGHT, "verify", str(bundle)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1
    assert done.stderr.startswith("pagelm: BrowserError: playwright")
    assert "pip install 'pagelm[verify]'" in done.stderr


def test_a_chromium_that_is_none_is_named_and_the_manifest_stays(bundle: Path) -> None:
    before = (bundle / "manifest.json").read_bytes()
    done = subprocess.run(
        [
            sys.executable,
            "-m",
            "pagelm_builder.cli",
            "verify",
            str(bundle),
            "--chromium",
            "/nowhere/chromium",
        ],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1
    assert done.stderr.startswith("pagelm: BrowserError: /nowhere/chromium does not start")
    assert (bundle / "manifest.json").read_bytes() == before


def test_a_graph_that_breaks_the_contract_ends_it_before_any_browser(
    bundle: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    copy = Path(shutil.copytree(bundle, tmp_path / "broken"))
    replace_graph(copy, "webgpu-f16", b"\xff no protobuf")
    assert cli.main(["verify", str(copy), "--chromium", "/nowhere/chromium"]) == 1
    assert "VerificationError: graph webgpu-f16: is not ONNX" in capsys.readouterr().err


def test_a_folder_without_a_bundle_is_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["verify", str(tmp_path)]) == 1
    assert capsys.readouterr().err.startswith("pagelm: ManifestError: ")


@pytest.mark.parametrize("tokens", ["0", "-1", "many"])
def test_a_number_of_tokens_that_makes_no_sense_ends_in_the_usage(
    tokens: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit):
        cli.main(["verify", "b", f"--tokens={tokens}"])
    assert "is no number of at least 1" in capsys.readouterr().err
