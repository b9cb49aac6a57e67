"""Writes tiny random GGUF files with gguf's own writer, laid out as llama.cpp's converter lays them out."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
from gguf import GGMLQuantizationType, GGUFValueType, GGUFWriter
from gguf.quants import quantize
from numpy.typing import NDArray

from pagelm_builder.config import ModelConfig
from pagelm_builder.pico.vocabulary import make_tokenizer, save_tokenizer
from pagelm_builder.sources.gguf_config import ARCHITECTURES
from pagelm_builder.sources.gguf_names import gguf_name
from pagelm_builder.tensors import model_tensors
from tiny_checkpoints import Arrays, random_arrays

F32 = GGMLQuantizationType.F32


def write_gguf(
    path: Path,
    config: ModelConfig,
    arrays: Arrays | None = None,
    *,
    kind: GGMLQuantizationType = F32,
    padding: int = 0,
    renamed_token: tuple[str, str] | None = None,
    **changes: object,
) -> Path:
    """A whole file.

    Args:
        kind: How matrices are stored; vectors are float32.
        padding: Rows of the vocabulary that are no tokens.
        renamed_token: A token, and what to write in its place.
        changes: Metadata by key with `__` for dots; `...` leaves the key out.
    """
    architecture = next(name for name, family in ARCHITECTURES.items() if family == config.architecture)
    metadata = {**model_metadata(config, architecture), **tokenizer_metadata(padding)}
    if renamed_token is not None:
        tokens = metadata["tokenizer.ggml.tokens"]
        assert isinstance(tokens, list)
        tokens[tokens.index(renamed_token[0])] = renamed_token[1]
    metadata |= {key.replace("__", "."): value for key, value in changes.items()}
    writer = GGUFWriter(path, str(metadata.pop("general.architecture", architecture)))
    for key, value in metadata.items():
        if value is not ...:
            _add(writer, key, value)
    weights = random_arrays(config) if arrays is None else arrays
    for tensor in model_tensors(config):
        if tensor.key in weights:
            stored_as = kind if tensor.kind == "matrix" else F32
            values = _as_stored(weights[tensor.key], tensor.name, config)
            writer.add_tensor(gguf_name(tensor), quantize(values, stored_as), raw_dtype=stored_as)
    if config.rope_divisors is not None:
        writer.add_tensor("rope_freqs.weight", np.array(config.rope_divisors, np.float32))
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return path


def model_metadata(config: ModelConfig, architecture: str) -> dict[str, object]:
    """Integers as u32 and floats as f32, as the converter writes them."""
    keys: dict[str, object] = {
        "block_count": config.num_hidden_layers,
        "context_length": config.max_position_embeddings,
        "embedding_length": config.hidden_size,
        "feed_forward_length": config.intermediate_size,
        "attention.head_count": config.num_attention_heads,
        "attention.head_count_kv": config.num_key_value_heads,
        "attention.key_length": config.head_dim,
        "attention.value_length": config.head_dim,
        "attention.layer_norm_rms_epsilon": config.rms_norm_eps,
        "rope.freq_base": config.rope_theta,
        "vocab_size": config.vocab_size,
    }
    return {f"{architecture}.{key}": value for key, value in keys.items()}


def tokenizer_metadata(padding: int) -> dict[str, object]:
    """pico's tokenizer."""
    document, config = (json.loads(text) for text in _tokenizer_files())
    added = {entry["id"]: entry for entry in document["added_tokens"]}
    tokens = {token_id: token for token, token_id in document["model"]["vocab"].items()}
    tokens |= {token_id: entry["content"] for token_id, entry in added.items()}
    types = [1 if i not in added else 3 if added[i]["special"] else 4 for i in range(len(tokens))]
    ids = {entry["content"]: token_id for token_id, entry in added.items()}
    return {
        "tokenizer.ggml.model": "gpt2",
        "tokenizer.ggml.pre": "qwen2",
        "tokenizer.ggml.tokens": [
            *(tokens[i] for i in range(len(tokens))),
            *(f"[PAD{len(tokens) + i}]" for i in range(padding)),
        ],
        "tokenizer.ggml.token_type": types + [5] * padding,
        "tokenizer.ggml.merges": [" ".join(pair) for pair in document["model"]["merges"]],
        "tokenizer.ggml.eos_token_id": ids[config["eos_token"]],
        "tokenizer.ggml.padding_token_id": ids[config["pad_token"]],
        "tokenizer.chat_template": config["chat_template"],
    }


@cache
def _tokenizer_files() -> tuple[str, str]:
    with TemporaryDirectory() as folder:
        save_tokenizer(make_tokenizer(seed=0), Path(folder))
        document = Path(folder, "tokenizer.json").read_text(encoding="utf-8")
        config = Path(folder, "tokenizer_config.json").read_text(encoding="utf-8")
    return document, config


def _add(writer: GGUFWriter, key: str, value: object) -> None:
    match value:
        case bool():
            writer.add_bool(key, value)
        case int():
            writer.add_uint32(key, value)
        case float():
            writer.add_float32(key, value)
        case str():
            writer.add_string(key, value)
        case _:
            writer.add_key_value(key, value, GGUFValueType.ARRAY)


def _as_stored(values: NDArray[np.float32], name: str, config: ModelConfig) -> NDArray[np.float32]:
    """llama.cpp's order of rows: in Llama's q and k, the two halves of a head interleaved."""
    if config.architecture != "LlamaForCausalLM" or not name.endswith(("q_proj", "k_proj")):
        return values
    halves = values.reshape(-1, 2, config.head_dim // 2, values.shape[-1])
    return np.ascontiguousarray(halves.swapaxes(1, 2)).reshape(values.shape)
