"""Which tensors a checkpoint holds, by name and shape, in the order in which they are stored.

The one list that the checkpoint reader checks against, that the weight layout places, and that the graphs
name. It knows neither files nor number formats.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from pagelm_builder.config import ModelConfig

EMBEDDING = "model.embed_tokens"
UNTIED_HEAD = "lm_head"


@dataclass(frozen=True, slots=True)
class ModelTensor:
    """One parameter: `name` without `.weight` or `.bias`, as the checkpoint spells it.

    `matrix` tensors `[outputs, inputs]` are quantized, `vector` tensors (norm weights, biases) are kept.
    """

    name: str
    shape: tuple[int, ...]
    kind: Literal["matrix", "vector"]
    parameter: Literal["weight", "bias"] = "weight"

    @property
    def key(self) -> str:
        """The name in the checkpoint's files."""
        return f"{self.name}.{self.parameter}"


def head_name(config: ModelConfig) -> str:
    """The matrix that turns hidden states into logits."""
    return EMBEDDING if config.tie_word_embeddings else UNTIED_HEAD


def inputs_name(name: str) -> str:
    """What a matrix is fed, by name; q, k and v share it, and so do gate and up."""
    shared = re.sub(r"\.[qkv]_proj$", ".qkv", name)
    return f"{re.sub(r'[.](gate|up)_proj$', '.gate_up', shared)}.inputs"


def layer_prefix(layer: int) -> str:
    return f"model.layers.{layer}"


def node_scope(name: str) -> str:
    """The scope of nodes that belong to a parameter: `model.layers.3.mlp` → `/model/layers.3/mlp`."""
    return "/" + re.sub(r"\.(?!\d)", "/", name)


def model_tensors(config: ModelConfig) -> Iterator[ModelTensor]:
    """Every parameter of the model, in storage order."""
    hidden = config.hidden_size
    yield ModelTensor(EMBEDDING, (config.vocab_size, hidden), "matrix")
    for layer in range(config.num_hidden_layers):
        yield from _layer_tensors(config, layer_prefix(layer))
    yield ModelTensor("model.norm", (hidden,), "vector")
    if not config.tie_word_embeddings:
        yield ModelTensor(UNTIED_HEAD, (config.vocab_size, hidden), "matrix")


def _layer_tensors(config: ModelConfig, prefix: str) -> Iterator[ModelTensor]:
    hidden, query, key_value = config.hidden_size, config.query_size, config.key_value_size
    intermediate = config.intermediate_size
    yield ModelTensor(f"{prefix}.input_layernorm", (hidden,), "vector")
    projections = {"q_proj": query, "k_proj": key_value, "v_proj": key_value}
    for name, outputs in projections.items():
        yield ModelTensor(f"{prefix}.self_attn.{name}", (outputs, hidden), "matrix")
    if config.family.qkv_bias:
        for name, outputs in projections.items():
            yield ModelTensor(f"{prefix}.self_attn.{name}", (outputs,), "vector", "bias")
    if config.family.qk_norm:
        yield ModelTensor(f"{prefix}.self_attn.q_norm", (config.head_dim,), "vector")
        yield ModelTensor(f"{prefix}.self_attn.k_norm", (config.head_dim,), "vector")
    yield ModelTensor(f"{prefix}.self_attn.o_proj", (hidden, query), "matrix")
    yield ModelTensor(f"{prefix}.post_attention_layernorm", (hidden,), "vector")
    yield ModelTensor(f"{prefix}.mlp.gate_proj", (intermediate, hidden), "matrix")
    yield ModelTensor(f"{prefix}.mlp.up_proj", (intermediate, hidden), "matrix")
    yield ModelTensor(f"{prefix}.mlp.down_proj", (hidden, intermediate), "matrix")
