"""Checkpoints from a hub on this machine, through the real client: what is fetched, resumed and refused."""

from __future__ import annotations

import errno
import io
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from loopback_hub import LoopbackHub, serve_hub
from pagelm_builder.errors import BuildError, CheckpointError, DiskFullError, HubError
from pagelm_builder.hub import download_checkpoint, is_repository
from tiny_checkpoints import write_checkpoint

REPO = "tester/tiny"
COMMIT, OLDER = "a" * 40, "b" * 40


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    folder = write_checkpoint(tmp_path_factory.mktemp("source") / "tiny")
    return {path.name: path.read_bytes() for path in folder.iterdir()}


@pytest.fixture
def hub(files: dict[str, bytes], monkeypatch: pytest.MonkeyPatch) -> Iterator[LoopbackHub]:
    others = {"README.md": b"# tiny", "pytorch_model.bin": bytes(1000), "onnx/model.onnx": bytes(1000)}
    # the client waits a second before it goes on with a file
    monkeypatch.setattr("huggingface_hub.file_download.time.sleep", lambda seconds: None)
    with serve_hub(LoopbackHub({REPO: {**files, **others}})) as hub:
        monkeypatch.setenv("HF_ENDPOINT", hub.endpoint)
        yield hub


def leftovers(cache: Path) -> list[Path]:
    return [path for path in cache.rglob("*") if "incomplete" in path.name]


def test_only_what_an_export_reads_is_fetched(
    hub: LoopbackHub, files: dict[str, bytes], tmp_path: Path
) -> None:
    snapshot = download_checkpoint(REPO, cache=tmp_path)
    assert {path.name: path.read_bytes() for path in snapshot.folder.iterdir()} == files
    assert (snapshot.repo, snapshot.revision) == (REPO, COMMIT)


def test_a_revision_is_pinned_to_its_commit(hub: LoopbackHub, tmp_path: Path) -> None:
    assert download_checkpoint(REPO, revision="v1", cache=tmp_path).revision == OLDER
    assert {path.split("/")[4] for _, path, _ in hub.requests if "/resolve/" in path} == {OLDER}


def test_shards_are_those_that_the_index_names(
    hub: LoopbackHub, files: dict[str, bytes], tmp_path: Path
) -> None:
    index = {"weight_map": {"a": "part-1.safetensors", "b": "part-2.safetensors", "c": "part-1.safetensors"}}
    small = {name: data for name, data in files.items() if name != "model.safetensors"}
    parts = {f"part-{number}.safetensors": bytes(number) for number in (1, 2, 3)}
    hub.files[REPO] = {**small, **parts, "model.safetensors.index.json": json.dumps(index).encode()}
    found = {path.name for path in download_checkpoint(REPO, cache=tmp_path).folder.iterdir()}
    assert found == {
        *small,
        "model.safetensors.index.json",
        "part-1.safetensors",
        "part-2.safetensors",
    }


def test_progress_counts_the_bytes_of_all_files(
    hub: LoopbackHub, files: dict[str, bytes], tmp_path: Path
) -> None:
    reports: list[tuple[str, int, int]] = []
    download_checkpoint(REPO, cache=tmp_path, progress=lambda *report: reports.append(report))
    total = sum(map(len, files.values()))
    assert {(stage, of) for stage, _, of in reports} == {("download", total)}
    done = [done for _, done, _ in reports]
    assert (done[0], done[-1]) == (0, total)
    assert done == sorted(done)


def test_what_is_here_is_not_fetched_again(hub: LoopbackHub, tmp_path: Path) -> None:
    download_checkpoint(REPO, cache=tmp_path)
    hub.requests.clear()
    reports: list[tuple[str, int, int]] = []
    download_checkpoint(REPO, cache=tmp_path, progress=lambda *report: reports.append(report))
    assert [path for method, path, _ in hub.requests if "/resolve/" in path and method == "GET"] == []
    assert reports[-1][1] == reports[-1][2] > 0


def test_a_file_that_is_cut_half_way_goes_on_there(
    hub: LoopbackHub, files: dict[str, bytes], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("huggingface_hub.constants.DOWNLOAD_CHUNK_SIZE", 4096)
    hub.cuts["model.safetensors"] = 10_000
    reports: list[tuple[int, int]] = []
    snapshot = download_checkpoint(
        REPO, cache=tmp_path, progress=lambda stage, done, total: reports.append((done, total))
    )
    assert hub.downloads("model.safetensors") == [None, "bytes=8192-"]
    assert (snapshot.folder / "model.safetensors").read_bytes() == files["model.safetensors"]
    assert max(done for done, _ in reports) == reports[-1][1]


def refusal(repo: str, cache: Path, revision: str | None = None) -> BuildError:
    with pytest.raises(BuildError) as raised:
        download_checkpoint(repo, revision=revision, cache=cache)
    assert raised.value.expected
    assert raised.value.remedy
    assert leftovers(cache) == []
    return raised.value


def test_a_revision_that_does_not_exist_is_named(hub: LoopbackHub, tmp_path: Path) -> None:
    error = refusal(REPO, tmp_path, "v9")
    assert isinstance(error, HubError)
    assert f"{REPO} at v9 on {hub.endpoint}: there is no such revision" in str(error)


def test_a_repository_that_does_not_exist_is_named(hub: LoopbackHub, tmp_path: Path) -> None:
    error = refusal("tester/nothing", tmp_path)
    assert isinstance(error, HubError)
    assert "tester/nothing at main" in error.problem
    assert "is not there, or is private" in error.problem


def test_a_gated_repository_says_how_to_get_in(hub: LoopbackHub, tmp_path: Path) -> None:
    hub.gated.add(REPO)
    error = refusal(REPO, tmp_path)
    assert isinstance(error, HubError)
    assert "is gated" in error.problem
    assert f"{hub.endpoint}/{REPO}" in error.remedy
    assert "HF_TOKEN" in error.remedy


@pytest.mark.parametrize("name", ["config.json", "tokenizer.json", "model.safetensors"])
def test_a_repository_without_a_needed_file_is_refused_before_any_download(
    name: str, hub: LoopbackHub, files: dict[str, bytes], tmp_path: Path
) -> None:
    hub.files[REPO] = {other: data for other, data in files.items() if other != name}
    error = refusal(REPO, tmp_path)
    assert isinstance(error, CheckpointError)
    assert name in error.problem
    assert not [path for _, path, _ in hub.requests if "/resolve/" in path]


@pytest.mark.parametrize("text", ["{", "[]", '{"weight_map": {"a": "../up"}}', '{"weight_map": {"a": "no"}}'])
def test_an_index_that_is_none_is_refused(
    text: str, hub: LoopbackHub, files: dict[str, bytes], tmp_path: Path
) -> None:
    hub.files[REPO] = {**files, "model.safetensors.index.json": text.encode()}
    assert isinstance(refusal(REPO, tmp_path), CheckpointError)


def test_no_connection_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_ENDPOINT", "http://127.0.0.1:9")
    error = refusal(REPO, tmp_path)
    assert isinstance(error, HubError)
    assert "cannot be reached" in error.problem
    assert "goes on where it stopped" in error.remedy


def test_a_full_disk_is_named_and_leaves_nothing_half_written(
    hub: LoopbackHub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(url: str, temp_file: io.BufferedWriter, **options: object) -> None:
        temp_file.write(b"half")
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("huggingface_hub.file_download.http_get", full)
    error = refusal(REPO, tmp_path)
    assert isinstance(error, DiskFullError)
    assert "HF_HOME" in error.remedy


@pytest.mark.parametrize(
    ("source", "may_be"),
    [
        ("Qwen/Qwen3-0.6B", True),
        ("owner/name_1.x", True),
        ("name", False),
        ("./a/b", False),
        ("a/b/c", False),
        ("/a/b", False),
        ("../b", False),
        ("a/", False),
    ],
)
def test_a_repository_is_owner_and_name(source: str, may_be: bool) -> None:
    assert is_repository(source) == may_be


def run_export(folder: Path, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "pagelm_builder.cli", "export", *arguments]
    return subprocess.run(
        command, cwd=folder, env={**os.environ, **environment}, capture_output=True, text=True, check=False
    )


def test_the_command_exports_from_the_hub_and_records_the_commit(hub: LoopbackHub, tmp_path: Path) -> None:
    arguments = (REPO, "--revision", "v1", "--out", "bundle")
    done = run_export(tmp_path, *arguments, HF_ENDPOINT=hub.endpoint, HF_HOME=str(tmp_path / "home"))
    assert done.returncode == 0, done.stderr
    manifest = json.loads((tmp_path / "bundle/manifest.json").read_text("utf-8"))
    assert manifest["source"] == {"repo": REPO, "revision": OLDER}
    assert manifest["name"] == "tiny"


def test_a_local_folder_of_that_name_wins_and_asks_nobody(
    hub: LoopbackHub, files: dict[str, bytes], tmp_path: Path
) -> None:
    folder = tmp_path / REPO
    folder.mkdir(parents=True)
    for name, data in files.items():
        (folder / name).write_bytes(data)
    done = run_export(tmp_path, REPO, "--out", "bundle", HF_ENDPOINT=hub.endpoint)
    assert done.returncode == 0, done.stderr
    assert hub.requests == []
    assert "source" not in json.loads((tmp_path / "bundle/manifest.json").read_text("utf-8"))


def test_a_revision_of_a_local_folder_is_refused(tmp_path: Path) -> None:
    (tmp_path / "here").mkdir()
    done = run_export(tmp_path, "here", "--revision", "v1", "--out", "bundle")
    assert done.returncode == 1
    assert "HubError" in done.stderr
    assert "--revision" in done.stderr
