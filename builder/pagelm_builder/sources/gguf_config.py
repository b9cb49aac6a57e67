"""The metadata of a GGUF file as a `ModelConfig`.

Keys that llama.cpp itself has a default for may be absent where that is the family's own rule too; every
setting that would change the arithmetic and is not implemented is refused by name. It reads no weights, but
for the few numbers that Llama 3's scaled rotary positions are stored as. Keys: llama.cpp's docs/gguf.md.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import numpy as np
from gguf import GGMLQuantizationType

from pagelm_builder.config import ModelConfig, check_shape
from pagelm_builder.errors import ArchitectureError, CheckpointError
from pagelm_builder.families import FAMILIES, Architecture
from pagelm_builder.sources.gguf_header import GgufHeader, damaged
from pagelm_builder.sources.gguf_metadata import GgufMetadata
from pagelm_builder.sources.gguf_names import EMBEDDING, HEAD, ROPE_DIVISORS

ARCHITECTURES: Final[Mapping[str, Architecture]] = {
    "qwen3": "Qwen3ForCausalLM",
    "qwen2": "Qwen2ForCausalLM",
    "llama": "LlamaForCausalLM",
}
_DEFAULT_ROPE_THETA: Final = 10000.0
# suffix of a key → the value that changes nothing
_UNSUPPORTED: Final = {
    "expert_count": 0,
    "attention.sliding_window": 0,
    "attention.causal": True,
    "attention.scale": 0.0,
    "attention.max_alibi_bias": 0.0,
    "attention.clamp_kqv": 0.0,
    "use_parallel_residual": False,
    "embedding_scale": 1.0,
    "residual_scale": 1.0,
    "logit_scale": 1.0,
    "rope.scaling.type": "none",
    "rope.scale_linear": 1.0,
}


def read_gguf_config(header: GgufHeader) -> ModelConfig:
    """Read and check the metadata.

    Raises:
        ArchitectureError: the model is of a family that pagelm does not build, or the file is no whole model.
        ConfigError: a key is missing, of the wrong kind, or asks for something not implemented.
        CheckpointError: the token embedding is not there, or has no rows and columns.
    """
    metadata = GgufMetadata(header)
    kind = _read_architecture(metadata)
    architecture = ARCHITECTURES[kind]
    _refuse_unsupported(metadata, kind)
    heads = metadata.integer(f"{kind}.attention.head_count")
    hidden_size = metadata.integer(f"{kind}.embedding_length")
    head_dim = _head_dim(metadata, kind, hidden_size, heads)
    theta_key, shared_heads_key = f"{kind}.rope.freq_base", f"{kind}.attention.head_count_kv"
    config = ModelConfig(
        vocab_size=_vocab_size(metadata, kind),
        hidden_size=hidden_size,
        intermediate_size=metadata.integer(f"{kind}.feed_forward_length"),
        num_hidden_layers=metadata.integer(f"{kind}.block_count"),
        num_attention_heads=heads,
        num_key_value_heads=metadata.integer(shared_heads_key) if shared_heads_key in metadata else heads,
        head_dim=head_dim,
        max_position_embeddings=metadata.integer(f"{kind}.context_length"),
        rope_theta=metadata.number(theta_key) if theta_key in metadata else _DEFAULT_ROPE_THETA,
        rms_norm_eps=metadata.number(f"{kind}.attention.layer_norm_rms_epsilon"),
        tie_word_embeddings=HEAD not in header.tensors,
        architecture=architecture,
        rope_divisors=_rope_divisors(header, head_dim),
    )
    check_shape(config, header.path)
    return config


def _read_architecture(metadata: GgufMetadata) -> str:
    found = metadata.text("general.architecture")
    kind = metadata.text("general.type") if "general.type" in metadata else "model"
    if found not in ARCHITECTURES or kind != "model":
        raise ArchitectureError(
            f"{metadata.header.path}: general.architecture is {found!r:.80} and general.type {kind!r:.80}",
            expected=f"a model of {' or '.join(ARCHITECTURES)}",
            remedy="pagelm builds dense decoders of these families only; pick such a file.",
        )
    parts = metadata.integer("split.count", minimum=0) if "split.count" in metadata else 1
    if parts > 1:
        raise ArchitectureError(
            f"{metadata.header.path} is one of {parts} parts",
            expected="a model in one file",
            remedy="Join the parts with llama.cpp's llama-gguf-split --merge.",
        )
    return found


def _refuse_unsupported(metadata: GgufMetadata, kind: str) -> None:
    for suffix, neutral in _UNSUPPORTED.items():
        key = f"{kind}.{suffix}"
        value = metadata.get(key)
        if key in metadata and (isinstance(value, np.ndarray) or value != neutral):
            raise metadata.refused(key, value, f"{neutral!r}: another is not implemented")


def _head_dim(metadata: GgufMetadata, kind: str, hidden_size: int, heads: int) -> int:
    key = f"{kind}.attention.key_length"
    if key in metadata or not FAMILIES[ARCHITECTURES[kind]].derives_head_dim:
        head_dim = metadata.integer(key)
    elif hidden_size % heads:
        raise metadata.refused(f"{kind}.attention.head_count", heads, f"a divisor of {hidden_size}, or {key}")
    else:
        head_dim = hidden_size // heads
    for suffix in ("attention.value_length", "rope.dimension_count"):
        same = f"{kind}.{suffix}"
        if same in metadata and metadata.integer(same) != head_dim:
            raise metadata.refused(same, metadata.get(same), f"{head_dim}, the width of a head")
    return head_dim


def _vocab_size(metadata: GgufMetadata, kind: str) -> int:
    """The rows of the token embedding, which every other account of them must agree with."""
    embedding = metadata.header.tensors.get(EMBEDDING)
    if embedding is None or len(embedding.shape) != 2:
        raise CheckpointError(
            f"{metadata.header.path}: tensor {EMBEDDING!r} is {'missing' if embedding is None else 'flat'}",
            expected="a row for each token",
            remedy="Download the file again, or convert the model again.",
        )
    rows, key = embedding.shape[0], f"{kind}.vocab_size"
    if key in metadata and metadata.integer(key) != rows:
        raise metadata.refused(key, metadata.get(key), f"{rows}, the rows of {EMBEDDING}")
    return rows


def _rope_divisors(header: GgufHeader, head_dim: int) -> tuple[float, ...] | None:
    tensor = header.tensors.get(ROPE_DIVISORS)
    if tensor is None:
        return None
    if tensor.shape != (head_dim // 2,) or tensor.type != GGMLQuantizationType.F32:
        problem = f"has {ROPE_DIVISORS} of shape {list(tensor.shape)} in {tensor.type.name}"
        raise damaged(header.path, problem, f"[{head_dim // 2}] in F32")
    with header.path.open("rb") as file:
        file.seek(tensor.offset)
        divisors = np.frombuffer(file.read(tensor.bytes), "<f4")
    if len(divisors) != head_dim // 2 or not (np.isfinite(divisors) & (divisors > 0)).all():
        raise damaged(header.path, f"has numbers in {ROPE_DIVISORS} that divide nothing", "positive ones")
    return tuple(float(divisor) for divisor in divisors)
