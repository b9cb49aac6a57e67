"""The wheel that a person installs has all that `pagelm export pico` and `pagelm site` need, and no tests."""

from __future__ import annotations

import subprocess
import sys
import zipfile
from email.parser import BytesParser
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def members(tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    """The wheel as hatchling builds it: name → content."""
    folder = tmp_path_factory.mktemp("wheel")
    command: list[str | Path] = [sys.executable, "-m", "hatchling", "build", "--target", "wheel"]
    done = subprocess.run(
        [*command, "--directory", folder],
        cwd=REPOSITORY,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    [wheel] = folder.glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def files_below(folder: str) -> dict[str, bytes]:
    """The files of a folder of the repository, relative to it."""
    root = REPOSITORY / folder
    return {
        path.relative_to(root).as_posix(): path.read_bytes()
        for path in root.rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }


@pytest.mark.parametrize(
    ("folder", "inside"),
    [
        ("py_runtime/pagelm", "pagelm"),
        ("builder/pagelm_builder", "pagelm_builder"),
        ("web", "pagelm_builder/_web"),
    ],
)
def test_a_folder_is_there_to_the_last_file(members: dict[str, bytes], folder: str, inside: str) -> None:
    expected = {f"{inside}/{name}": content for name, content in files_below(folder).items()}
    assert len(expected) > 10
    missing_or_altered = [name for name, content in expected.items() if members.get(name) != content]
    assert missing_or_altered == []


@pytest.mark.parametrize(
    "name",
    [
        "_web/index.html",
        "site/compile_archive.mjs",
        "site/wheels.lock",
        "site/licenses/onnxruntime-web/LICENSE",
        "site/licenses/onnxruntime-web/ThirdPartyNotices.txt",
        "site/licenses/pyodide/LICENSE",
        "site/licenses/python/LICENSE",
        "pico/words.txt",
        "pico/checkpoint/config.json",
        "pico/checkpoint/model.safetensors",
        "pico/checkpoint/tokenizer.json",
        "py.typed",
    ],
)
def test_what_a_command_reads_is_there(members: dict[str, bytes], name: str) -> None:
    assert f"pagelm_builder/{name}" in members


def test_nothing_else_is_in_it(members: dict[str, bytes]) -> None:
    [dist_info] = {name.split("/")[0] for name in members if ".dist-info/" in name}
    assert {name.split("/")[0] for name in members} == {"pagelm", "pagelm_builder", dist_info}
    assert not [name for name in members if "test" in name.lower() or name.endswith(".pyc")]


@pytest.mark.parametrize("name", ["LICENSE", "NOTICE"])
def test_the_legal_texts_are_in_its_metadata(members: dict[str, bytes], name: str) -> None:
    [path] = [path for path in members if path.endswith(f".dist-info/licenses/{name}")]
    assert members[path] == (REPOSITORY / name).read_bytes()
    [metadata] = [content for path, content in members.items() if path.endswith(".dist-info/METADATA")]
    assert name in (BytesParser().parsebytes(metadata).get_all("License-File") or ())


def test_the_base_install_needs_the_template_engine_alone(members: dict[str, bytes]) -> None:
    [metadata] = [content for path, content in members.items() if path.endswith(".dist-info/METADATA")]
    requires = BytesParser().parsebytes(metadata).get_all("Requires-Dist") or []
    assert [line.partition(">")[0] for line in requires if "extra ==" not in line] == ["jinja2"]
