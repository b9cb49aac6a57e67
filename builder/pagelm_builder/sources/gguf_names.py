"""What llama.cpp calls the tensors of a checkpoint. It knows names only."""

from __future__ import annotations

import re
from typing import Final

from pagelm_builder.tensors import ModelTensor

EMBEDDING: Final = "token_embd.weight"
HEAD: Final = "output.weight"
ROPE_DIVISORS: Final = "rope_freqs.weight"

_NAMES: Final = {
    "model.embed_tokens": "token_embd",
    "model.norm": "output_norm",
    "lm_head": "output",
    "input_layernorm": "attn_norm",
    "self_attn.q_proj": "attn_q",
    "self_attn.k_proj": "attn_k",
    "self_attn.v_proj": "attn_v",
    "self_attn.o_proj": "attn_output",
    "self_attn.q_norm": "attn_q_norm",
    "self_attn.k_norm": "attn_k_norm",
    "post_attention_layernorm": "ffn_norm",
    "mlp.gate_proj": "ffn_gate",
    "mlp.up_proj": "ffn_up",
    "mlp.down_proj": "ffn_down",
}
_LAYER: Final = re.compile(r"model\.layers\.(\d+)\.(.+)")


def gguf_name(tensor: ModelTensor) -> str:
    """`model.layers.3.mlp.up_proj.weight` → `blk.3.ffn_up.weight`."""
    layer = _LAYER.fullmatch(tensor.name)
    name = f"blk.{layer[1]}.{_NAMES[layer[2]]}" if layer else _NAMES[tensor.name]
    return f"{name}.{tensor.parameter}"
