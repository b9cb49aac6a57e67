"""Models that were loaded by address: listed, checked, deleted, and fetched again where they were damaged."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from pagelm.bundle_download import download_bundle
from pagelm.bundle_files import verify_bundle_files
from pagelm.errors import StoredModelError
from pagelm.stored_models import (
    delete_stored_model,
    find_stored_model,
    stored_models,
    verify_stored_model,
)
from pagelm_builder import cli

from .conftest import Host


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("PAGELM_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


def rename(bundle: Path) -> None:
    """The next version of a bundle, of the same files."""
    manifest = json.loads((bundle / "manifest.json").read_text("utf-8"))
    (bundle / "manifest.json").write_text(json.dumps({**manifest, "name": "renamed"}), "utf-8")


def test_what_was_loaded_is_listed(host: tuple[str, type[Host]], cache: Path) -> None:
    assert stored_models() == []
    folder = download_bundle(host[0], cache)
    [model] = stored_models()
    assert (model.name, model.address, model.folder) == ("random", host[0], folder)
    size = sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())
    assert model.total_bytes == size - (folder / "manifest.json").stat().st_size
    assert (model.own_bytes, model.is_complete) == (model.total_bytes, True)


def test_the_last_used_comes_first(host: tuple[str, type[Host]], bundle: Path, cache: Path) -> None:
    first = download_bundle(host[0], cache)
    manifest = (bundle / "manifest.json").read_bytes()
    rename(bundle)
    download_bundle(host[0], cache)
    assert [model.name for model in stored_models()] == ["renamed", "random"]
    (bundle / "manifest.json").write_bytes(manifest)
    assert download_bundle(host[0], cache) == first
    assert [model.name for model in stored_models()] == ["random", "renamed"]


def test_a_damaged_file_is_found_and_fetched_alone(
    host: tuple[str, type[Host]], weights: str, cache: Path
) -> None:
    address, serving = host
    folder = download_bundle(address, cache)
    part = folder / weights
    data = bytearray(part.read_bytes())
    data[7] ^= 1
    part.write_bytes(bytes(data))  # and so the file that it is a link to
    steps: list[tuple[int, int]] = []
    [model] = stored_models()
    check = verify_stored_model(model, progress=lambda done, total: steps.append((done, total)))
    assert ([entry.file for entry in check.altered], check.missing) == ([weights], ())
    assert check.checked_bytes == model.total_bytes - len(data)
    assert steps[0] == (0, model.total_bytes)
    assert steps[-1] == (model.total_bytes, model.total_bytes)
    [model] = stored_models()
    assert not model.is_complete
    assert [entry.file for entry in verify_stored_model(model).missing] == [weights]
    serving.sent.clear()
    verify_bundle_files(download_bundle(address, cache))
    assert [name for name, _ in serving.sent] == ["manifest.json", weights]


def test_deleting_leaves_what_another_model_needs(
    host: tuple[str, type[Host]], bundle: Path, cache: Path
) -> None:
    download_bundle(host[0], cache)
    rename(bundle)
    second = download_bundle(host[0], cache)
    assert delete_stored_model(find_stored_model("random")) == 0
    verify_bundle_files(second)
    [model] = stored_models()
    assert delete_stored_model(model) == model.total_bytes > 0
    assert stored_models() == []
    assert [path for path in cache.rglob("*") if path.is_file()] == []


def test_a_model_is_named_by_name_address_or_id(
    host: tuple[str, type[Host]], bundle: Path, cache: Path
) -> None:
    with pytest.raises(StoredModelError, match=r"no model 'random' is kept .*: none"):
        find_stored_model("random")
    folder = download_bundle(host[0], cache)
    for wanted in ("random", host[0], host[0].rstrip("/"), folder.name[:16]):
        assert find_stored_model(wanted).folder == folder
    rename(bundle)
    download_bundle(host[0], cache)
    with pytest.raises(StoredModelError, match=f"2 models '{host[0]}' are kept.*{folder.name[:16]}"):
        find_stored_model(host[0])


def test_the_command_lists_verifies_and_deletes(
    host: tuple[str, type[Host]], weights: str, cache: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = download_bundle(host[0], cache)
    assert cli.main(["models"]) == 0
    assert f"{folder.name[:16]}  random  " in (out := capsys.readouterr().out)
    assert host[0] in out
    assert cli.main(["models", "list", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)[0]["id"] == folder.name
    assert cli.main(["models", "verify", "random"]) == 0
    assert "are right" in capsys.readouterr().out
    (folder / weights).write_bytes(b"")
    assert cli.main(["models", "verify", "random"]) == 1
    assert f"PartAlteredError: random had altered files: {weights} " in capsys.readouterr().err
    assert cli.main(["models", "delete", "random"]) == 0
    assert cli.main(["models", "delete", "random"]) == 1
    assert "StoredModelError" in capsys.readouterr().err
    assert cli.main(["models"]) == 0
    assert capsys.readouterr().out == "no models are kept\n"
