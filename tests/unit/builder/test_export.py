"""The whole export of a tiny checkpoint: what it writes and refuses, and that it leaves nothing half-done."""

from __future__ import annotations

import errno
import hashlib
import json
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from graph_sessions import weight_bytes
from pagelm.errors import PagelmError
from pagelm.manifest import load_manifest
from pagelm_builder import bundle as bundle_module
from pagelm_builder.config import ModelConfig
from pagelm_builder.errors import (
    ArchitectureError,
    CheckpointError,
    ConfigError,
    DiskFullError,
    OutputExistsError,
    TokenizerFormatError,
)
from pagelm_builder.export import export_bundle
from pagelm_builder.weights import plan_weights
from tiny_checkpoints import TINY, TINY_LLAMA, TINY_QWEN2, random_arrays, write_checkpoint, write_config


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_checkpoint(tmp_path_factory.mktemp("source") / "tiny", dtype=np.float32)


@pytest.fixture(scope="module")
def bundle(checkpoint: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return export_bundle(checkpoint, tmp_path_factory.mktemp("out") / "bundle")


def manifest_of(bundle: Path) -> dict:
    return json.loads((bundle / "manifest.json").read_text(encoding="utf-8"))


def file_entries(manifest: dict) -> list[dict]:
    return [
        manifest["tokenizer"],
        manifest["chat_template"],
        *manifest["weights"]["parts"],
        *manifest["graphs"].values(),
    ]


def test_every_file_is_in_the_manifest_and_as_it_says(bundle: Path) -> None:
    manifest = manifest_of(bundle)
    for entry in file_entries(manifest):
        data = (bundle / entry["file"]).read_bytes()
        assert entry["bytes"] == len(data)
        assert entry["sha256"] == hashlib.sha256(data).hexdigest()
        assert entry["sha256"][:16] in entry["file"]
    named = {entry["file"] for entry in file_entries(manifest)} | {"manifest.json"}
    found = {str(path.relative_to(bundle)) for path in bundle.rglob("*") if path.is_file()}
    assert found == named


def test_manifest_has_the_keys_of_the_contract(bundle: Path) -> None:
    manifest = manifest_of(bundle)
    assert (manifest["format"], manifest["name"]) == (1, "tiny")
    assert manifest["thinking"] is True
    assert manifest["generation"]["thinking"]["temperature"] == 0.6
    assert manifest["model"] == {
        **{key: getattr(TINY, key) for key in TINY.__slots__ if key != "rope_divisors"},
    }
    assert manifest["quantization"] == {
        "method": "rtn",
        "bits": 4,
        "head_bits": 4,
        "block_size": 32,
        "symmetric": True,
    }
    assert set(manifest["graphs"]) == {"webgpu-f32", "webgpu-f16", "wasm", "native"}
    for entry in manifest["graphs"].values():
        assert entry["external_data"] == "weights.bin"
        assert entry["candidates"] == 64
    assert manifest["graphs"]["webgpu-f16"]["required_features"] == ["shader-f16"]
    assert manifest["graphs"]["webgpu-f16"]["key_value_dtype"] == "float16"
    assert manifest["graphs"]["webgpu-f32"]["required_features"] == []
    first, *_ = manifest["graphs"]["wasm"]["expanded"]["tensors"]
    assert (first["name"], first["rows"], first["columns"]) == ("model.embed_tokens", 512, 64)


def test_parts_join_to_the_quantized_weights(bundle: Path) -> None:
    weights = manifest_of(bundle)["weights"]
    joined = b"".join((bundle / part["file"]).read_bytes() for part in weights["parts"])
    assert len(joined) == weights["bytes"]
    assert joined == weight_bytes(TINY, plan_weights(TINY), random_arrays(TINY))


def test_runtime_reads_the_manifest(bundle: Path) -> None:
    from pagelm.manifest import load_manifest

    assert load_manifest(bundle).model.head_dim == TINY.head_dim


def test_export_is_reproducible(checkpoint: Path, bundle: Path, tmp_path: Path) -> None:
    again = export_bundle(checkpoint, tmp_path / "again")
    assert (again / "manifest.json").read_bytes() == (bundle / "manifest.json").read_bytes()


def test_name_and_progress_are_passed_on(checkpoint: Path, tmp_path: Path) -> None:
    reports: list[tuple[str, int, int]] = []
    out = export_bundle(
        checkpoint, tmp_path / "bundle", name="other", progress=lambda *report: reports.append(report)
    )
    assert manifest_of(out)["name"] == "other"
    total = manifest_of(out)["weights"]["bytes"]
    last = {stage: (done, of) for stage, done, of in reports}
    assert last == {"weights": (total, total), "verify": (2, 2), "first tokens": (2, 2)}


def test_small_parts_are_cut(checkpoint: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bundle_module.PartWriter.__init__, "__defaults__", (10_000,))
    parts = manifest_of(export_bundle(checkpoint, tmp_path / "bundle"))["weights"]["parts"]
    assert len(parts) > 5
    assert all(part["bytes"] == 10_000 for part in parts[:-1])


def remove_tensor(folder: Path) -> None:
    arrays = random_arrays(TINY)
    del arrays["model.norm.weight"]
    write_checkpoint(folder, arrays=arrays)


def poison_tensor(folder: Path) -> None:
    arrays = random_arrays(TINY)
    arrays["model.layers.1.mlp.up_proj.weight"][0, 0] = np.nan
    write_checkpoint(folder, arrays=arrays)


def truncate_weights(folder: Path) -> None:
    path = folder / "model.safetensors"
    path.write_bytes(path.read_bytes()[:-1])


@pytest.mark.parametrize(
    ("spoil", "error"),
    [
        (lambda folder: write_config(folder, head_dim=...), ConfigError),
        (lambda folder: write_config(folder, hidden_act="gelu"), ConfigError),
        (lambda folder: write_config(folder, architectures=["MistralForCausalLM"]), ArchitectureError),
        (lambda folder: write_config(folder, head_dim=64), CheckpointError),
        (remove_tensor, CheckpointError),
        (poison_tensor, CheckpointError),
        (truncate_weights, CheckpointError),
        (lambda folder: (folder / "tokenizer.json").write_text("{}"), TokenizerFormatError),
        (lambda folder: (folder / "tokenizer.json").unlink(), TokenizerFormatError),
    ],
    ids=[
        "missing key",
        "other activation",
        "other architecture",
        "config of another model",
        "missing tensor",
        "NaN found while writing",
        "truncated weights",
        "other tokenizer",
        "no tokenizer",
    ],
)
def test_bad_checkpoint_ends_in_its_error_and_leaves_nothing(
    tmp_path: Path, spoil: object, error: type[PagelmError]
) -> None:
    source = write_checkpoint(tmp_path / "source")
    spoil(source)  # type: ignore[operator]
    out = tmp_path / "out"
    out.mkdir()
    with pytest.raises(error) as raised:
        export_bundle(source, out / "bundle")
    assert raised.value.expected
    assert raised.value.remedy
    assert list(out.iterdir()) == []


@pytest.mark.parametrize("config", [TINY_QWEN2, TINY_LLAMA], ids=["Qwen2", "Llama"])
def test_other_families_become_bundles_that_say_so(tmp_path: Path, config: ModelConfig) -> None:
    bundle = export_bundle(write_checkpoint(tmp_path / "source", config), tmp_path / "bundle")
    assert load_manifest(bundle).model.architecture == config.architecture


def test_a_missing_bias_is_named(tmp_path: Path) -> None:
    arrays = random_arrays(TINY_QWEN2)
    del arrays["model.layers.1.self_attn.v_proj.bias"]
    source = write_checkpoint(tmp_path / "source", TINY_QWEN2, arrays)
    with pytest.raises(CheckpointError, match=r"v_proj\.bias' is missing"):
        export_bundle(source, tmp_path / "bundle")


@pytest.mark.parametrize(
    "writer",
    [
        "pagelm_builder.bundle.PartWriter.write",
        "pagelm_builder.export.write_hashed",
        "pagelm_builder.export.write_manifest",
        "pagelm_builder.external_data.join_parts",
        "pagelm_builder.external_data.expand_weights",
    ],
)
def test_a_full_disk_is_named_and_leaves_the_earlier_bundle(
    writer: str, checkpoint: Path, bundle: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def no_room(*arguments: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    out = Path(shutil.copytree(bundle, tmp_path / "out" / "bundle"))
    monkeypatch.setattr(writer, no_room)
    with pytest.raises(DiskFullError, match="the disk is full") as raised:
        export_bundle(checkpoint, out)
    assert "Make room" in raised.value.remedy
    assert {path.name for path in out.rglob("*")} == {path.name for path in bundle.rglob("*")}
    assert [path.name for path in out.parent.iterdir()] == ["bundle"]


def test_vocabulary_that_config_has_no_rows_for_is_refused(tmp_path: Path) -> None:
    config = replace(TINY, vocab_size=320)
    source = write_checkpoint(tmp_path / "source", config, random_arrays(config))
    with pytest.raises(ConfigError, match="vocab_size is 320"):
        export_bundle(source, tmp_path / "bundle")
    assert not (tmp_path / "bundle").exists()


def test_target_of_someone_else_is_refused_before_anything_is_read(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("mine")
    with pytest.raises(OutputExistsError):
        export_bundle(tmp_path / "nowhere", tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["notes.txt"]
