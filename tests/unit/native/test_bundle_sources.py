"""A model is loaded from a folder, a name or an address; downloads are checked, kept and gone on with."""

from __future__ import annotations

import asyncio
import json
import shutil
from pathlib import Path

import pytest

from pagelm import LanguageModel
from pagelm.bundle_download import download_bundle
from pagelm.bundle_files import verify_bundle_files
from pagelm.errors import ManifestError, PartAlteredError, PartMissingError
from pagelm.manifest import load_manifest
from pagelm_builder import cli

from .conftest import Host


def test_a_name_is_looked_for_where_bundles_are(bundle: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PAGELM_BUNDLES", str(bundle.parent))
    model = asyncio.run(LanguageModel.load(bundle.name))
    assert model.name == "random"


def test_a_name_that_is_nowhere_says_where_it_was_looked_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PAGELM_BUNDLES", "/a/shelf")
    with pytest.raises(ManifestError, match=r"no bundle named qwen .*/a/shelf/qwen, build/bundles/qwen"):
        asyncio.run(LanguageModel.load("qwen"))


def test_an_address_is_downloaded_once(
    host: tuple[str, type[Host]], weights: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    address, serving = host
    monkeypatch.setenv("PAGELM_CACHE", str(tmp_path / "cache"))
    assert asyncio.run(LanguageModel.load(address)).name == "random"
    assert {name for name, _ in serving.sent} >= {"manifest.json", weights}
    serving.sent.clear()
    asyncio.run(LanguageModel.load(address))
    assert [name for name, _ in serving.sent] == ["manifest.json"]


def test_a_cut_file_goes_on_where_it_ended(
    host: tuple[str, type[Host]], weights: str, tmp_path: Path
) -> None:
    address, serving = host
    serving.cuts[weights] = 1000
    folder = download_bundle(address, tmp_path / "cache")
    verify_bundle_files(folder)
    whole = (folder / weights).stat().st_size
    assert [size for name, size in serving.sent if name == weights] == [1000, whole - 1000]


def test_the_terminal_chats_with_an_address(
    host: tuple[str, type[Host]],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setenv("PAGELM_CACHE", str(tmp_path / "cache"))
    assert cli.main(["chat", host[0], "--prompt", "x", "--json", "--max-new-tokens", "8"]) == 0
    assert json.loads(capsys.readouterr().out)["usage"]["prompt_tokens"] > 0


def test_progress_counts_what_is_there_up_to_the_whole(
    host: tuple[str, type[Host]], weights: str, tmp_path: Path
) -> None:
    address, serving = host
    serving.cuts[weights] = 1000
    told: list[tuple[int, int]] = []
    folder = download_bundle(address, tmp_path / "cache", lambda *bytes_: told.append(bytes_))
    whole = sum(entry.bytes for entry in load_manifest(folder).files())
    assert {total for _, total in told} == {whole}
    assert [there for there, _ in told] == sorted(there for there, _ in told)
    assert told[-1] == (whole, whole)
    told.clear()
    download_bundle(address, tmp_path / "cache", lambda *bytes_: told.append(bytes_))
    assert told == []  # nothing is downloaded


def test_a_new_version_fetches_only_what_changed(
    host: tuple[str, type[Host]], bundle: Path, tmp_path: Path
) -> None:
    address, serving = host
    first = download_bundle(address, tmp_path / "cache")
    manifest = json.loads((bundle / "manifest.json").read_text())
    manifest["name"] = "renamed"
    (bundle / "manifest.json").write_text(json.dumps(manifest))
    serving.sent.clear()
    second = download_bundle(address, tmp_path / "cache")
    assert [name for name, _ in serving.sent] == ["manifest.json"]
    assert [load_manifest(folder).name for folder in (first, second)] == ["random", "renamed"]
    verify_bundle_files(second)


def test_wrong_bytes_are_never_kept(
    host: tuple[str, type[Host]], bundle: Path, weights: str, tmp_path: Path
) -> None:
    address, _ = host
    part = bundle / weights
    data = bytearray(part.read_bytes())
    data[7] ^= 1
    part.write_bytes(bytes(data))
    with pytest.raises(PartAlteredError, match=f"{weights} arrived with a sha256"):
        download_bundle(address, tmp_path / "cache")
    assert not (tmp_path / "cache" / "bundles").exists()
    data[7] ^= 1
    part.write_bytes(bytes(data))
    verify_bundle_files(download_bundle(address, tmp_path / "cache"))


def test_a_host_without_the_file_and_no_host_are_named(
    host: tuple[str, type[Host]], bundle: Path, tmp_path: Path
) -> None:
    address, _ = host
    shutil.rmtree(bundle / "weights")
    with pytest.raises(PartMissingError, match="answers with status 404"):
        download_bundle(address, tmp_path / "cache")
    with pytest.raises(PartMissingError, match="cannot be fetched"):
        download_bundle("http://127.0.0.1:9/", tmp_path / "cache")
