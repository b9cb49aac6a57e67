"""pagelm.json: what it may say, and that everything else is refused by the name of its key."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from pagelm.manifest import load_manifest
from pagelm_builder.embedded_model import embedded_checkpoint
from pagelm_builder.errors import PresentationError
from pagelm_builder.export import export_bundle
from pagelm_builder.presentation import Presentation, read_presentation
from tiny_checkpoints import write_checkpoint

SAID = {"description": "It counts – and nothing else.", "examples": ["What is 2 + 2?", "Zähle bis drei"]}


def write_presentation(folder: Path, value: object) -> Path:
    (folder / "pagelm.json").write_text(json.dumps(value, ensure_ascii=False), encoding="utf-8")
    return folder


def test_without_the_file_nothing_is_said(tmp_path: Path) -> None:
    assert read_presentation(tmp_path) == Presentation(None, ())
    assert Presentation().entries() == {}


def test_both_keys_are_read(tmp_path: Path) -> None:
    found = read_presentation(write_presentation(tmp_path, SAID))
    assert found == Presentation("It counts – and nothing else.", ("What is 2 + 2?", "Zähle bis drei"))
    assert found.entries() == SAID


@pytest.mark.parametrize("key", SAID)
def test_each_key_may_be_left_out(key: str, tmp_path: Path) -> None:
    rest = {other: value for other, value in SAID.items() if other != key}
    assert read_presentation(write_presentation(tmp_path, rest)).entries() == rest


@pytest.mark.parametrize(
    ("value", "problem"),
    [
        ([], "the document is an array"),
        ({"descripton": "x"}, "descripton is not known .expected description and examples"),
        ({"description": None}, "description is null"),
        ({"description": " "}, "description is empty"),
        ({"description": "x" * 301}, "description has 301 characters .expected one line of 1 to 300"),
        ({"description": "two\nlines"}, "description has a line break"),
        ({"examples": "What?"}, "examples is a string"),
        ({"examples": ["What?", 1]}, "examples is .*expected an array of strings"),
        ({"examples": ["What?", ""]}, r"examples\[1\] is empty"),
        ({"examples": ["x" * 201]}, r"examples\[0\] has 201 characters"),
        ({"examples": ["a\u2028b"]}, r"examples\[0\] has a line break or another control character"),
        ({"examples": ["What?", "What?"]}, r"examples\[1\] is there twice"),
        ({"examples": [str(number) for number in range(9)]}, "examples has 9 entries .expected at most 8"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_anything_else_is_refused_by_its_key(value: object, problem: str, tmp_path: Path) -> None:
    with pytest.raises(PresentationError, match=f"pagelm.json: {problem}") as raised:
        read_presentation(write_presentation(tmp_path, value))
    assert "optional" in raised.value.remedy


@pytest.mark.parametrize(
    ("data", "problem"), [(b"{", "is not JSON"), (b'"\xff"', "cannot be read")], ids=["JSON", "UTF-8"]
)
def test_a_file_that_cannot_be_read_is_named(data: bytes, problem: str, tmp_path: Path) -> None:
    (tmp_path / "pagelm.json").write_bytes(data)
    with pytest.raises(PresentationError, match=f"pagelm.json: {problem}"):
        read_presentation(tmp_path)


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_checkpoint(tmp_path_factory.mktemp("source") / "tiny")


def test_export_copies_it_into_the_manifest(checkpoint: Path, tmp_path: Path) -> None:
    source = write_presentation(Path(shutil.copytree(checkpoint, tmp_path / "source")), SAID)
    out = export_bundle(source, tmp_path / "bundle")
    written = json.loads((out / "manifest.json").read_text("utf-8"))
    assert {key: written[key] for key in SAID} == SAID
    read = load_manifest(out)
    assert (read.description, list(read.examples)) == (SAID["description"], SAID["examples"])


def test_a_manifest_without_it_has_no_such_keys(checkpoint: Path, tmp_path: Path) -> None:
    out = export_bundle(checkpoint, tmp_path / "bundle")
    assert not SAID.keys() & json.loads((out / "manifest.json").read_text("utf-8")).keys()
    assert (load_manifest(out).description, load_manifest(out).examples) == (None, ())


def test_a_bad_one_ends_the_export_and_leaves_nothing(checkpoint: Path, tmp_path: Path) -> None:
    source = write_presentation(Path(shutil.copytree(checkpoint, tmp_path / "source")), {"examples": [""]})
    with pytest.raises(PresentationError):
        export_bundle(source, tmp_path / "out" / "bundle")
    assert not (tmp_path / "out").exists()


def test_the_embedded_model_is_presented() -> None:
    presentation = read_presentation(embedded_checkpoint())
    assert presentation.description is not None
    assert "knows nothing of the world" in presentation.description
    assert "What is 4827 + 938?" in presentation.examples
