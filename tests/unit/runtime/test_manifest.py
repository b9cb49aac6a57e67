"""pagelm.manifest: what a good one gives, and that every bad one is refused by the name of its key."""

from __future__ import annotations

import copy
import json
from pathlib import Path
from typing import Any

import pytest

from fakes import CONTEXT_SIZE, IM_END, VOCAB_SIZE, manifest, manifest_value, write_bundle
from pagelm.bundle_files import verify_bundle_files
from pagelm.errors import FormatVersionError, ManifestError, PartAlteredError, PartMissingError
from pagelm.manifest import load_manifest, parse_manifest
from pagelm.sampling_options import SamplingOptions

GOOD_HASH = "0123456789abcdef" * 4


def changed(path: str, value: object) -> str:
    """The good manifest with one value replaced; `path` as error messages write it."""
    manifest = copy.deepcopy(manifest_value())
    *parents, last = keys_of(path)
    owner: Any = manifest
    for key in parents:
        owner = owner[key]
    if value is MISSING:
        del owner[last]
    else:
        owner[last] = value
    return json.dumps(manifest)


def keys_of(path: str) -> list[str | int]:
    names = path.replace("]", "").replace("[", ".").split(".")
    return [int(name) if name.isdigit() else name for name in names]


def required_paths(value: object, path: str = "") -> list[str]:
    """Every key of the good manifest, as a path, except those that are optional or free."""
    if path == "tokens.special_tokens_map":
        return []
    if isinstance(value, list):
        return [
            found for index, item in enumerate(value) for found in required_paths(item, f"{path}[{index}]")
        ]
    if not isinstance(value, dict):
        return []
    paths = []
    for key, item in value.items():
        here = f"{path}.{key}" if path else key
        if here not in ("graphs.native", "graphs.wasm", "graphs.wasm.expanded"):
            paths.append(here)
        paths += required_paths(item, here)
    return paths


MISSING = object()
REQUIRED = required_paths(manifest_value())


def test_model_values_are_read() -> None:
    model = manifest().model
    assert (model.vocab_size, model.head_dim, model.num_key_value_heads) == (VOCAB_SIZE, 32, 2)
    assert model.max_position_embeddings == CONTEXT_SIZE


def test_end_of_sequence_tokens_are_read() -> None:
    assert IM_END in manifest().eos_token_ids


def test_named_tokens_are_read_and_others_ignored() -> None:
    named = parse_manifest(changed("tokens.special_tokens_map", {"bos_token": "<s>", "boss_token": 1}))
    assert named.special_tokens_map == {"bos_token": "<s>"}


def test_each_mode_has_its_own_sampling_options() -> None:
    generation = manifest().generation
    assert generation.for_mode(True) == SamplingOptions(temperature=0.6, top_k=20, top_p=0.95, min_p=0.0)
    assert generation.for_mode(False) == SamplingOptions(temperature=0.7, top_k=20, top_p=0.8, min_p=0.0)


def test_only_the_wasm_graph_is_expanded() -> None:
    graphs = manifest().graphs
    assert graphs["native"].expanded is None
    expanded = graphs["wasm"].expanded
    assert expanded is not None
    assert [(tensor.rows, tensor.columns) for tensor in expanded.tensors] == [(4, 64)]


def test_a_graph_that_does_not_say_so_cannot_verify() -> None:
    assert manifest().graph("native").verify_tokens == 0
    assert parse_manifest(changed("graphs.native.verify_tokens", 16)).graph("native").verify_tokens == 16


def test_files_lists_every_file() -> None:
    assert len({entry.file for entry in manifest().files()}) == 6


def test_an_unknown_key_is_ignored() -> None:
    assert parse_manifest(json.dumps({**manifest_value(), "comment": "hello"})) == manifest()


def test_an_unknown_graph_is_named() -> None:
    with pytest.raises(ManifestError, match=r"graphs.webgpu-f32 is missing .*native, wasm"):
        manifest().graph("webgpu-f32")


@pytest.mark.parametrize("path", REQUIRED)
def test_a_missing_key_is_named(path: str) -> None:
    with pytest.raises(ManifestError) as refusal:
        parse_manifest(changed(path, MISSING))
    assert f"{path} is missing" in str(refusal.value)


@pytest.mark.parametrize("path", [path for path in REQUIRED if path != "parity"])
def test_a_value_of_a_wrong_type_is_named(path: str) -> None:
    with pytest.raises(ManifestError) as refusal:
        parse_manifest(changed(path, None))
    assert f"{path} is null" in str(refusal.value)


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("model.vocab_size", 0),
        ("model.vocab_size", True),
        ("model.vocab_size", 261.0),
        ("model.vocab_size", "261"),
        ("model.num_attention_heads", 3),
        ("model.architecture", "MistralForCausalLM"),
        ("tokens.eos_token_ids", []),
        ("tokens.eos_token_ids", [VOCAB_SIZE]),
        ("tokens.eos_token_ids", [-1]),
        ("tokens.eos_token_ids", ["1"]),
        ("tokens.special_tokens_map.eos_token", 3),
        ("thinking", 1),
        (
            "generation.thinking",
            {"temperature": -1, "top_k": 20, "top_p": 1, "min_p": 0, "repetition_penalty": 1},
        ),
        ("tokenizer.bytes", -1),
        ("weights.bytes", -1),
        ("weights.parts[1].bytes", -512),
        ("weights.parts", []),
        ("graphs", {}),
        ("graphs.native.key_value_dtype", "bfloat16"),
        ("graphs.native.candidates", 0),
        ("graphs.native.verify_tokens", 1),
        ("graphs.native.verify_tokens", 65),
        ("graphs.native.verify_tokens", None),
        ("graphs.native.external_data", "../weights.bin"),
        ("graphs.wasm.expanded.external_data", "/tmp/expanded.bin"),
        ("graphs.native.required_features", [1]),
        ("graphs.wasm.expanded.tensors[0].columns", 65),
        ("graphs.wasm.expanded.tensors[0].bits", 5),
        ("graphs.wasm.expanded.tensors[0].block_size", 24),
        ("graphs.wasm.expanded.tensors[0].codes_offset", 1536 - 127),
        ("graphs.wasm.expanded.tensors[0].scales_offset", 1536 - 15),
        ("graphs.wasm.expanded.tensors[0].weight_offset", 17),
        ("graphs.wasm.expanded.tensors[0].weight_scales_offset", 257),
        ("graphs.wasm.expanded.tensors[0].input_factors_offset", 1536 - 255),
        ("graphs.wasm.expanded.tensors[0].input_factors_offset", None),
    ],
)
def test_a_value_that_cannot_be_is_named(path: str, value: object) -> None:
    with pytest.raises(ManifestError) as refusal:
        parse_manifest(changed(path, value))
    assert str(refusal.value).startswith(f"manifest.json: {path} ")


@pytest.mark.parametrize(
    ("key", "value", "shown", "expected"),
    [
        ("bits", 8, "8", "4"),
        ("bits", 0, "0", "4"),
        ("head_bits", 6, "6", "4 or 8"),
        ("block_size", 8, "8", "16 or 32 or 64 or 128"),
        ("block_size", 48, "48", "16 or 32 or 64 or 128"),
        ("symmetric", False, "false", "true"),
    ],
)
def test_another_layout_of_the_weights_is_refused(key: str, value: object, shown: str, expected: str) -> None:
    with pytest.raises(ManifestError) as refusal:
        parse_manifest(changed(f"quantization.{key}", value))
    problem = f"manifest.json: quantization.{key} is {shown} (expected {expected} in bundle format 1)"
    assert str(refusal.value).startswith(problem)


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_a_number_that_is_not_finite_is_refused(value: float) -> None:
    with pytest.raises(ManifestError, match=r"model\.rope_theta is (nan|inf) \(expected a finite number"):
        parse_manifest(changed("model.rope_theta", value))


@pytest.mark.parametrize("method", ["rtn", "gptq"])
def test_how_the_weights_were_rounded_is_free(method: str) -> None:
    assert parse_manifest(changed("quantization.method", method)).quantization.method == method


@pytest.mark.parametrize(
    "name",
    [
        "../{}.bin",
        "weights/../../{}.bin",
        "/etc/{}.bin",
        "a//{}.bin",
        "./{}.bin",
        "a\\..\\{}.bin",
        "C:{}.bin",
        "https://example.org/{}.bin",
        "a/{}.bin?b",
        "a/{}.bin#b",
        "%2e%2e/{}.bin",
        "a/{}.bin\n",
        ".{}.bin",
        "",
    ],
)
def test_a_file_outside_the_bundle_is_refused(name: str) -> None:
    file = name.format(f"x.{GOOD_HASH[:16]}")
    entry = {"file": file, "bytes": 1, "sha256": GOOD_HASH}
    with pytest.raises(ManifestError, match=r"tokenizer.file is .*a relative path inside the bundle"):
        parse_manifest(changed("tokenizer", entry))


@pytest.mark.parametrize("sha256", ["", "0" * 63, "0" * 65, "G" * 64, GOOD_HASH.upper(), GOOD_HASH + "\n"])
def test_a_malformed_hash_is_refused(sha256: str) -> None:
    with pytest.raises(ManifestError, match=r"tokenizer.sha256 is .*64 lowercase hexadecimal digits"):
        parse_manifest(changed("tokenizer.sha256", sha256))


def test_a_name_without_its_hash_is_refused() -> None:
    with pytest.raises(ManifestError, match=r"tokenizer.file is .*first digits of its hash"):
        parse_manifest(changed("tokenizer.sha256", GOOD_HASH))


def test_parts_that_do_not_add_up_are_refused() -> None:
    with pytest.raises(ManifestError, match=r"weights.parts add up to 1536 bytes .*1537.*weights.bytes"):
        parse_manifest(changed("weights.bytes", 1537))


@pytest.mark.parametrize("version", [0, 2, 99])
def test_another_format_version_is_refused_by_its_own_name(version: int) -> None:
    with pytest.raises(FormatVersionError, match=f"format {version} .*expected format 1"):
        parse_manifest(changed("format", version))


def test_another_format_version_wins_over_missing_keys() -> None:
    with pytest.raises(FormatVersionError):
        parse_manifest('{"format": 2}')


@pytest.mark.parametrize("text", ["", "{", b"\xff\xfe", "[1", "<!doctype html>"])
def test_what_is_not_json_is_refused(text: str | bytes) -> None:
    with pytest.raises(ManifestError, match="expected JSON"):
        parse_manifest(text)


@pytest.mark.parametrize("text", ["[]", "null", "1", '"manifest"'])
def test_json_that_is_no_object_is_refused(text: str) -> None:
    with pytest.raises(ManifestError, match="expected an object"):
        parse_manifest(text)


def test_a_folder_without_manifest_is_named(tmp_path: Path) -> None:
    with pytest.raises(ManifestError, match=r"manifest.json cannot be read"):
        load_manifest(tmp_path)


def test_a_whole_bundle_verifies(tmp_path: Path) -> None:
    assert verify_bundle_files(write_bundle(tmp_path)) == manifest()


@pytest.mark.parametrize("entry", list(manifest().files()), ids=lambda entry: entry.file.split("/")[-1][:12])
class TestOneFileOfABundle:
    """Each file that a manifest names, in turn."""

    def test_missing(self, tmp_path: Path, entry: Any) -> None:
        path = write_bundle(tmp_path) / entry.file
        path.unlink()
        with pytest.raises(PartMissingError, match=path.name):
            verify_bundle_files(tmp_path)

    def test_truncated(self, tmp_path: Path, entry: Any) -> None:
        path = write_bundle(tmp_path) / entry.file
        path.write_bytes(path.read_bytes()[:-1])
        with pytest.raises(PartAlteredError, match=f"{path.name} has {entry.bytes - 1} bytes"):
            verify_bundle_files(tmp_path)

    def test_altered(self, tmp_path: Path, entry: Any) -> None:
        path = write_bundle(tmp_path) / entry.file
        data = bytearray(path.read_bytes())
        data[-1] ^= 1
        path.write_bytes(data)
        with pytest.raises(PartAlteredError, match=f"{path.name} has sha256 .*expected {entry.sha256}"):
            verify_bundle_files(tmp_path)


def test_description_and_examples_are_optional() -> None:
    assert (manifest().description, manifest().examples) == (None, ())
    described = parse_manifest(
        json.dumps({**manifest_value(), "description": "It adds.", "examples": ["1 + 1?"]})
    )
    assert (described.description, described.examples) == ("It adds.", ("1 + 1?",))


@pytest.mark.parametrize(("key", "value"), [("description", 1), ("examples", "1 + 1?"), ("examples", [1])])
def test_a_description_or_example_that_is_no_text_is_named(key: str, value: object) -> None:
    with pytest.raises(ManifestError, match=f"{key} is "):
        parse_manifest(json.dumps({**manifest_value(), key: value}))
