"""GGUF files that are damaged, of another model or of another kind: each ends in an error that says so."""

from __future__ import annotations

import struct
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from gguf import GGMLQuantizationType

from pagelm.errors import PagelmError
from pagelm_builder.errors import ArchitectureError, CheckpointError, ConfigError, TokenizerFormatError
from pagelm_builder.sources.gguf_header import read_header
from pagelm_builder.sources.open_source import open_source
from pagelm_builder.tensors import model_tensors
from tiny_checkpoints import TINY, TINY_LLAMA, TINY_LLAMA3, TINY_QWEN2, random_arrays
from tiny_gguf import write_gguf


def open_whole(path: Path) -> None:
    with open_source(path) as source:
        for tensor in model_tensors(source.config):
            for _ in source.weights.rows(tensor):
                pass


@pytest.mark.parametrize(
    ("changes", "error", "named"),
    [
        ({"general__architecture": "gemma3"}, ArchitectureError, "general.architecture is 'gemma3'"),
        ({"general__architecture": "qwen3moe"}, ArchitectureError, "qwen3moe"),
        ({"general__type": "adapter"}, ArchitectureError, "adapter"),
        ({"split__count": 3}, ArchitectureError, "one of 3 parts"),
        ({"qwen3__block_count": ...}, ConfigError, "lacks the key 'qwen3.block_count'"),
        ({"qwen3__attention__key_length": ...}, ConfigError, "lacks the key 'qwen3.attention.key_length'"),
        ({"qwen3__rope__freq_base": "fast"}, ConfigError, "qwen3.rope.freq_base is fast"),
        ({"qwen3__rope__freq_base": -1.0}, ConfigError, "qwen3.rope.freq_base is -1"),
        ({"qwen3__attention__head_count": [4, 4]}, ConfigError, r"head_count is \[4 4\]"),
        ({"qwen3__attention__head_count": 0}, ConfigError, "head_count is 0"),
        ({"qwen3__expert_count": 8}, ConfigError, "expert_count is 8"),
        ({"qwen3__attention__sliding_window": 4096}, ConfigError, "sliding_window is 4096"),
        ({"qwen3__rope__scaling__type": "yarn"}, ConfigError, "rope.scaling.type is yarn"),
        ({"qwen3__attention__causal": False}, ConfigError, "causal is False"),
        ({"qwen3__rope__dimension_count": 16}, ConfigError, "rope.dimension_count is 16.*32"),
        ({"qwen3__attention__value_length": 64}, ConfigError, "value_length is 64"),
        ({"qwen3__context_length": 1 << 30}, ConfigError, "max_position_embeddings"),
        ({"qwen3__vocab_size": 300}, ConfigError, "vocab_size is 300.*512, the rows"),
        ({"qwen3__embedding_length": 128}, CheckpointError, r"token_embd.weight.*\[512, 128\], as the"),
        ({"qwen3__block_count": 3}, CheckpointError, "'blk.2.attn_norm.weight' is missing"),
        ({"qwen3__block_count": 2**31}, CheckpointError, "'blk.2.attn_norm.weight' is missing"),
        ({"qwen3__block_count": 1}, CheckpointError, r"'blk.1.* has no place"),
        ({"general__alignment": 24}, CheckpointError, "alignment 24"),
        ({"tokenizer__ggml__model": "llama"}, TokenizerFormatError, "tokenizer.ggml.model is llama"),
        ({"tokenizer__ggml__pre": "gpt-4o"}, TokenizerFormatError, "tokenizer.ggml.pre is 'gpt-4o'"),
        ({"tokenizer__ggml__pre": ...}, TokenizerFormatError, "lacks the key 'tokenizer.ggml.pre'"),
        ({"tokenizer__ggml__tokens": 5}, TokenizerFormatError, "tokenizer.ggml.tokens is 5"),
        ({"tokenizer__ggml__token_type": [1, 1]}, TokenizerFormatError, "token_type is 2 long"),
        ({"tokenizer__ggml__merges": ["a"]}, TokenizerFormatError, r"merges\[0\] is 'a'"),
        ({"tokenizer__ggml__merges": ["a b", "a b"]}, TokenizerFormatError, "merges.*"),
        ({"tokenizer__ggml__eos_token_id": 9999}, TokenizerFormatError, "eos_token_id is 9999"),
        ({"tokenizer__chat_template": ...}, TokenizerFormatError, "lacks the key 'tokenizer.chat_template'"),
        ({"tokenizer__chat_template": "{% for %}"}, TokenizerFormatError, "does not compile"),
    ],
    ids=str,
)
def test_metadata_that_cannot_be_used_is_refused_by_key(
    tmp_path: Path, changes: dict[str, object], error: type[PagelmError], named: str
) -> None:
    path = write_gguf(tmp_path / "tiny.gguf", TINY, **changes)
    with pytest.raises(error, match=named):
        open_whole(path)


def test_a_byte_without_a_token_is_named_by_the_files_own_key(tmp_path: Path) -> None:
    path = write_gguf(tmp_path / "tiny.gguf", TINY, renamed_token=("z", "[z]"))
    with pytest.raises(TokenizerFormatError, match=r"tiny\.gguf: `tokenizer\.ggml\.tokens.*byte 0x7a"):
        open_whole(path)


def test_a_missing_bias_is_named(tmp_path: Path) -> None:
    arrays = random_arrays(TINY_QWEN2)
    del arrays["model.layers.1.self_attn.k_proj.bias"]
    with pytest.raises(CheckpointError, match=r"'blk\.1\.attn_k\.bias' is missing"):
        open_whole(write_gguf(tmp_path / "tiny.gguf", TINY_QWEN2, arrays))


def test_divisors_of_another_head_width_are_refused(tmp_path: Path) -> None:
    config = replace(TINY_LLAMA3, rope_divisors=(1.0,) * 8)
    with pytest.raises(CheckpointError, match=r"rope_freqs\.weight of shape \[8\].*expected \[16\]"):
        open_whole(write_gguf(tmp_path / "tiny.gguf", config))


def test_divisors_that_divide_nothing_are_refused(tmp_path: Path) -> None:
    config = replace(TINY_LLAMA3, rope_divisors=(0.0,) * 16)
    with pytest.raises(CheckpointError, match=r"rope_freqs\.weight.*positive"):
        open_whole(write_gguf(tmp_path / "tiny.gguf", config))


def test_a_weight_that_is_not_a_number_is_found_while_reading(tmp_path: Path) -> None:
    arrays = random_arrays(TINY_LLAMA)
    arrays["model.layers.0.self_attn.q_proj.weight"][40, 7] = np.nan
    with pytest.raises(CheckpointError, match=r"'blk\.0\.attn_q\.weight' holds NaN"):
        open_whole(write_gguf(tmp_path / "tiny.gguf", TINY_LLAMA, arrays))


def test_every_truncation_of_the_header_and_of_the_data_is_refused(tmp_path: Path) -> None:
    path = write_gguf(tmp_path / "tiny.gguf", TINY)
    data = path.read_bytes()
    for length in (*range(4, 64), *range(64, len(data), 997), len(data) - 33):
        path.write_bytes(data[:length])
        with pytest.raises(CheckpointError, match="truncated"):
            open_whole(path)


@pytest.mark.parametrize(
    ("at", "value", "named"),
    [
        (0, b"GGML", "does not begin with GGUF"),
        (4, struct.pack("<I", 1), "version 1"),
        (4, struct.pack(">I", 3), "little-endian"),
        (8, struct.pack("<Q", 2**60), "dimensions"),
        (16, struct.pack("<Q", 2**60), "truncated"),
        (24, struct.pack("<Q", 2**63), "truncated"),
    ],
    ids=["magic", "version 1", "big-endian", "tensors", "keys", "length of a key"],
)
def test_a_header_that_claims_the_impossible_is_refused(
    tmp_path: Path, at: int, value: bytes, named: str
) -> None:
    path = write_gguf(tmp_path / "tiny.gguf", TINY)
    data = bytearray(path.read_bytes())
    data[at : at + len(value)] = value
    path.write_bytes(data)
    with pytest.raises(CheckpointError, match=named):
        open_whole(path)


def replace_once(old: bytes, new: bytes) -> Callable[[bytes], bytes]:
    def change(data: bytes) -> bytes:
        assert data.count(old) == 1
        return data.replace(old, new)

    return change


NORM = b"output_norm.weight"
NORM_PLACE = NORM + struct.pack("<IQ", 1, 64)  # name, dimensions, shape; then type and offset


@pytest.mark.parametrize(
    ("change", "named"),
    [
        (replace_once(NORM_PLACE + bytes(4), NORM_PLACE + struct.pack("<I", 999)), "type 999"),
        (replace_once(NORM_PLACE, NORM + struct.pack("<IQ", 5, 64)), "5 dimensions"),
        (replace_once(NORM_PLACE, NORM + struct.pack("<IQ", 1, 0)), r"shape \[0\]"),
        (replace_once(NORM_PLACE, NORM + struct.pack("<IQ", 1, 2**62)), "truncated"),
        (replace_once(NORM_PLACE + bytes(4), NORM_PLACE + struct.pack("<I", 9)), "stored as Q8_1"),
        (replace_once(NORM, b"output_norm.weighx"), "'output_norm.weight' is missing"),
        (replace_once(NORM, b"output_norm.weigh\xff"), "not UTF-8"),
        (replace_once(b"blk.1.ffn_up.weight", b"blk.0.ffn_up.weight"), "twice"),
        (replace_once(b"qwen3.embedding_length", b"qwen3.attention.scale0"), "embedding_length"),
        (replace_once(b"qwen3.embedding_length\x04\0\0\0", b"qwen3.embedding_length\x63\0\0\0"), "type 99"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_damage_inside_the_header_is_named(
    tmp_path: Path, change: Callable[[bytes], bytes], named: str
) -> None:
    path = write_gguf(tmp_path / "tiny.gguf", TINY)
    path.write_bytes(change(path.read_bytes()))
    with pytest.raises(PagelmError, match=named):
        open_whole(path)


def test_a_header_without_end_is_not_read_into_memory(tmp_path: Path) -> None:
    path = tmp_path / "endless.gguf"
    key = b"a" * 8
    path.write_bytes(b"GGUF" + struct.pack("<IQQQ", 3, 0, 1, 8) + key + struct.pack("<IIQ", 9, 0, 2**33))
    with path.open("r+b") as file:
        file.truncate(2**33 + 4096)  # a sparse file: nothing is on disk
    with pytest.raises(CheckpointError, match="header without end"):
        read_header(path)


def test_two_files_in_a_folder_are_not_chosen_between(tmp_path: Path) -> None:
    for name in ("a.gguf", "b.gguf"):
        write_gguf(tmp_path / name, TINY)
    with pytest.raises(CheckpointError, match=r"holds 2 GGUF files.*Name the file, such as .*a\.gguf"):
        open_whole(tmp_path)


def test_a_type_of_blocks_that_rows_do_not_fill_is_refused(tmp_path: Path) -> None:
    path = write_gguf(tmp_path / "tiny.gguf", TINY)
    old = NORM_PLACE + bytes(4)
    data = path.read_bytes().replace(old, NORM_PLACE + struct.pack("<I", GGMLQuantizationType.Q4_K))
    path.write_bytes(data)
    with pytest.raises(CheckpointError, match="whole blocks of 256 for Q4_K"):
        open_whole(path)
