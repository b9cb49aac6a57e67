"""Safetensors folders: every stored type and split is read exactly, every fault is named with its file."""

from __future__ import annotations

import json
from pathlib import Path

import ml_dtypes
import numpy as np
import pytest
from safetensors.numpy import save_file

from pagelm_builder import checkpoint as checkpoint_module
from pagelm_builder.checkpoint import Checkpoint
from pagelm_builder.errors import CheckpointError
from pagelm_builder.tensors import model_tensors
from tiny_checkpoints import TINY, random_arrays

TENSORS = list(model_tensors(TINY))
Q_PROJ = "model.layers.0.self_attn.q_proj.weight"


def save(folder: Path, changes: dict[str, np.ndarray | None] | None = None, dtype: type = np.float32) -> Path:
    arrays = {key: value.astype(dtype) for key, value in random_arrays(TINY).items()}
    merged = {key: value for key, value in {**arrays, **(changes or {})}.items() if value is not None}
    save_file(merged, folder / "model.safetensors")
    return folder


def check(folder: Path) -> None:
    with Checkpoint(folder) as checkpoint:
        checkpoint.check(TENSORS)


@pytest.mark.parametrize("dtype", [ml_dtypes.bfloat16, np.float16, np.float32])
def test_every_dtype_is_read_exactly(tmp_path: Path, dtype: type) -> None:
    save(tmp_path, dtype=dtype)
    arrays = random_arrays(TINY)
    with Checkpoint(tmp_path) as checkpoint:
        checkpoint.check(TENSORS)
        for tensor in TENSORS:
            found = np.concatenate(list(checkpoint.rows(tensor)))
            assert found.dtype == np.float32
            np.testing.assert_array_equal(found, arrays[tensor.key].astype(dtype).astype(np.float32))


def test_large_tensor_comes_in_runs_of_rows(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(checkpoint_module, "VALUES_PER_READ", 100 * TINY.hidden_size)
    save(tmp_path)
    with Checkpoint(tmp_path) as checkpoint:
        runs = list(checkpoint.rows(TENSORS[0]))
    assert [len(run) for run in runs] == [100, 100, 100, 100, 100, 12]
    np.testing.assert_array_equal(np.concatenate(runs), random_arrays(TINY)[TENSORS[0].key])


def save_shards(folder: Path) -> dict[str, str]:
    arrays = random_arrays(TINY)
    weight_map = {key: f"model-{index % 2 + 1:05d}-of-00002.safetensors" for index, key in enumerate(arrays)}
    for name in set(weight_map.values()):
        save_file({key: arrays[key] for key in arrays if weight_map[key] == name}, folder / name)
    (folder / "model.safetensors.index.json").write_text(json.dumps({"weight_map": weight_map}))
    return weight_map


def test_several_files_are_read_through_their_index(tmp_path: Path) -> None:
    save_shards(tmp_path)
    with Checkpoint(tmp_path) as checkpoint:
        checkpoint.check(TENSORS)
        for tensor in TENSORS:
            found = np.concatenate(list(checkpoint.rows(tensor)))
            np.testing.assert_array_equal(found, random_arrays(TINY)[tensor.key])


def test_missing_shard_is_named(tmp_path: Path) -> None:
    save_shards(tmp_path)
    (tmp_path / "model-00002-of-00002.safetensors").unlink()
    with pytest.raises(CheckpointError, match=r"model-00002-of-00002\.safetensors is missing"):
        check(tmp_path)


def test_index_that_names_a_tensor_its_file_lacks_is_an_error(tmp_path: Path) -> None:
    weight_map = save_shards(tmp_path)
    other = {"model-00001-of-00002.safetensors": "model-00002-of-00002.safetensors"}
    moved = {**weight_map, Q_PROJ: other.get(weight_map[Q_PROJ], "model-00001-of-00002.safetensors")}
    (tmp_path / "model.safetensors.index.json").write_text(json.dumps({"weight_map": moved}))
    with pytest.raises(CheckpointError, match=r"safetensors"):
        check(tmp_path)


@pytest.mark.parametrize("text", ["{", "{}", '{"weight_map": []}', "[" * 100_000], ids=range(4))
def test_broken_index_is_named(tmp_path: Path, text: str) -> None:
    (tmp_path / "model.safetensors.index.json").write_text(text)
    with pytest.raises(CheckpointError, match=r"index\.json cannot be read"):
        check(tmp_path)


def test_index_cannot_point_outside_its_folder(tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    inside = tmp_path / "inside"
    outside.mkdir()
    inside.mkdir()
    save(outside)
    weight_map = dict.fromkeys(random_arrays(TINY), "../outside/model.safetensors")
    (inside / "model.safetensors.index.json").write_text(json.dumps({"weight_map": weight_map}))
    with pytest.raises(CheckpointError, match="outside its folder"):
        check(inside)


def test_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(CheckpointError, match=r"model\.safetensors is missing"):
        check(tmp_path)


def test_missing_tensor_is_named(tmp_path: Path) -> None:
    save(tmp_path, {Q_PROJ: None})
    with pytest.raises(CheckpointError, match=rf"tensor '{Q_PROJ}' is missing"):
        check(tmp_path)


def test_wrong_shape_is_named_with_both_shapes(tmp_path: Path) -> None:
    save(tmp_path, {Q_PROJ: np.zeros((64, 64), np.float32)})
    with pytest.raises(CheckpointError, match=rf"'{Q_PROJ}' has shape \[64, 64\] \(expected \[128, 64\]"):
        check(tmp_path)


def test_wrong_dtype_is_named(tmp_path: Path) -> None:
    save(tmp_path, {Q_PROJ: np.zeros((128, 64), np.int8)})
    with pytest.raises(CheckpointError, match=rf"'{Q_PROJ}' has dtype I8 \(expected BF16 or F16 or F32"):
        check(tmp_path)


def test_tensor_without_a_place_is_refused(tmp_path: Path) -> None:
    save(tmp_path, {"model.layers.0.self_attn.q_proj.bias": np.zeros(128, np.float32)})
    with pytest.raises(CheckpointError, match=r"q_proj\.bias' has no place"):
        check(tmp_path)


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_weight_that_is_not_finite_is_refused(tmp_path: Path, value: float) -> None:
    broken = random_arrays(TINY)[Q_PROJ]
    broken[5, 7] = value
    save(tmp_path, {Q_PROJ: broken})
    tensor = next(tensor for tensor in TENSORS if tensor.key == Q_PROJ)
    with Checkpoint(tmp_path) as checkpoint, pytest.raises(CheckpointError, match="NaN or infinity"):
        list(checkpoint.rows(tensor))


@pytest.mark.parametrize("kept_bytes", [0, 4, 100, 20_000, -1])
def test_truncated_file_is_named(tmp_path: Path, kept_bytes: int) -> None:
    path = save(tmp_path) / "model.safetensors"
    path.write_bytes(path.read_bytes()[:kept_bytes])
    with pytest.raises(CheckpointError, match=r"model\.safetensors is truncated or not a safetensors file"):
        check(tmp_path)


def test_folder_in_place_of_a_file_is_named(tmp_path: Path) -> None:
    (tmp_path / "model.safetensors").mkdir()
    with pytest.raises(CheckpointError, match=r"model\.safetensors"):
        check(tmp_path)
