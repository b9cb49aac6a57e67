"""A GGUF file becomes the same model as the checkpoint it was made from."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from gguf import GGMLQuantizationType
from gguf.quants import dequantize, quantize
from numpy.typing import NDArray

from pagelm.bundle_files import verify_bundle_files
from pagelm.manifest import load_manifest
from pagelm.tokenizer import Tokenizer
from pagelm_builder.config import ModelConfig
from pagelm_builder.export import export_bundle
from pagelm_builder.sources import gguf_weights
from pagelm_builder.sources.open_source import Source, open_source
from pagelm_builder.tensors import model_tensors
from pagelm_builder.tokenizer import convert_tokenizer
from tiny_checkpoints import TINY, TINY_LLAMA, TINY_LLAMA3, TINY_QWEN2, random_arrays, write_checkpoint
from tiny_gguf import F32, write_gguf

FAMILIES = {"Qwen3": TINY, "Qwen2": TINY_QWEN2, "Llama": TINY_LLAMA}


def read_weights(source: Source) -> dict[str, NDArray[np.float32]]:
    return {
        tensor.key: np.concatenate(list(source.weights.rows(tensor)))
        for tensor in model_tensors(source.config)
    }


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("tied", [True, False], ids=["tied", "untied"])
def test_config_and_weights_are_those_that_were_written(tmp_path: Path, family: str, tied: bool) -> None:
    config = replace(FAMILIES[family], tie_word_embeddings=tied)
    arrays = random_arrays(config)
    with open_source(write_gguf(tmp_path / "tiny.gguf", config, arrays)) as source:
        assert source.config == config
        found = read_weights(source)
    for key, array in arrays.items():
        np.testing.assert_array_equal(found[key], array)


@pytest.mark.parametrize("name", ["F16", "BF16", "Q8_0", "Q4_0", "Q4_1", "Q5_0", "Q5_1"])
def test_each_type_gives_what_the_gguf_package_makes_of_it(tmp_path: Path, name: str) -> None:
    kind, arrays = GGMLQuantizationType[name], random_arrays(TINY)
    with open_source(write_gguf(tmp_path / "tiny.gguf", TINY, arrays, kind=kind)) as source:
        found = read_weights(source)
    for tensor in model_tensors(TINY):
        kept = kind if tensor.kind == "matrix" else F32
        expected = dequantize(quantize(arrays[tensor.key], kept), kept)
        np.testing.assert_array_equal(found[tensor.key], expected)


@pytest.mark.parametrize("config", [TINY, TINY_LLAMA], ids=["Qwen3", "Llama"])
def test_runs_of_rows_give_the_same_weights(
    tmp_path: Path, config: ModelConfig, monkeypatch: pytest.MonkeyPatch
) -> None:
    arrays = random_arrays(config)
    monkeypatch.setattr(gguf_weights, "VALUES_PER_READ", 1000)
    with open_source(write_gguf(tmp_path / "tiny.gguf", config, arrays)) as source:
        assert len(list(source.weights.rows(next(model_tensors(config))))) > 10
        found = read_weights(source)
    for key, array in arrays.items():
        np.testing.assert_array_equal(found[key], array)


def test_scaled_rotary_positions_are_read(tmp_path: Path) -> None:
    with open_source(write_gguf(tmp_path / "tiny.gguf", TINY_LLAMA3)) as source:
        found = source.config
    assert replace(found, rope_divisors=None) == replace(TINY_LLAMA3, rope_divisors=None)
    np.testing.assert_allclose(found.rope_divisors, TINY_LLAMA3.rope_divisors, rtol=1e-7)


def test_keys_that_llama_cpp_has_defaults_for_may_be_absent(tmp_path: Path) -> None:
    absent = ("attention__key_length", "attention__value_length", "rope__freq_base", "vocab_size")
    changes = {f"llama__{key}": ... for key in absent}
    with open_source(write_gguf(tmp_path / "tiny.gguf", TINY_LLAMA, **changes)) as source:
        assert source.config == replace(TINY_LLAMA, rope_theta=10000.0)


def test_tokenizer_is_that_of_the_checkpoint(tmp_path: Path) -> None:
    folder = write_checkpoint(tmp_path / "folder")
    expected = convert_tokenizer(folder)
    with open_source(write_gguf(tmp_path / "tiny.gguf", TINY)) as source:
        found = source.tokenizer
    assert found.binary == expected.binary
    assert found.chat_template == expected.chat_template
    assert found.pad_token_id == expected.pad_token_id
    assert found.eos_token_ids[0] == expected.eos_token_ids[0]
    assert found.special_tokens_map == expected.special_tokens_map


def test_generation_ends_at_every_end_that_llama_cpp_ends_at(tmp_path: Path) -> None:
    with open_source(write_gguf(tmp_path / "tiny.gguf", TINY)) as source:
        special = Tokenizer.from_bytes(source.tokenizer.binary).special_ids
        ends = source.tokenizer.eos_token_ids
    assert ends == (special["<|im_end|>"], special["<|endoftext|>"])


def test_rows_that_pad_the_vocabulary_are_no_tokens(tmp_path: Path) -> None:
    with open_source(write_gguf(tmp_path / "tiny.gguf", TINY)) as source:
        count = source.tokenizer.token_count
    config = replace(TINY, vocab_size=count + 8)
    with open_source(write_gguf(tmp_path / "padded.gguf", config, padding=8)) as source:
        assert source.config.vocab_size == count + 8
        assert source.tokenizer.token_count == count


@pytest.mark.parametrize("pre", ["llama-bpe", "smollm"])
def test_other_pre_tokenizations_need_no_normalizer(tmp_path: Path, pre: str) -> None:
    path = write_gguf(tmp_path / "tiny.gguf", TINY, tokenizer__ggml__pre=pre)
    with open_source(path) as source:
        assert b'"normalizer":null' in source.tokenizer.binary


def test_a_folder_with_one_gguf_file_is_that_file(tmp_path: Path) -> None:
    write_gguf(tmp_path / "tiny-q8.gguf", TINY)
    with open_source(tmp_path) as source:
        assert (source.name, source.config) == ("tiny-q8", TINY)


def test_a_gguf_file_becomes_a_bundle(tmp_path: Path) -> None:
    path = write_gguf(tmp_path / "tiny.gguf", TINY_LLAMA, kind=GGMLQuantizationType.Q8_0)
    manifest = verify_bundle_files(export_bundle(path, tmp_path / "bundle"))
    assert (manifest.name, manifest.model.architecture) == ("tiny", "LlamaForCausalLM")
    assert load_manifest(tmp_path / "bundle").eos_token_ids
