"""A checkpoint of Qwen3 as one GGUF file in Q4_0, for llama.cpp: the same weights in its own format."""

from __future__ import annotations

import json
from pathlib import Path

import gguf
import numpy as np
from gguf import GGMLQuantizationType, GGUFWriter

from pagelm_builder.checkpoint import Checkpoint
from pagelm_builder.config import ModelConfig, read_config
from pagelm_builder.tensors import ModelTensor, model_tensors

# name in a checkpoint's layer → name in a GGUF file's block
LAYER_NAMES = {
    "input_layernorm": "attn_norm",
    "self_attn.q_proj": "attn_q",
    "self_attn.k_proj": "attn_k",
    "self_attn.v_proj": "attn_v",
    "self_attn.q_norm": "attn_q_norm",
    "self_attn.k_norm": "attn_k_norm",
    "self_attn.o_proj": "attn_output",
    "post_attention_layernorm": "ffn_norm",
    "mlp.gate_proj": "ffn_gate",
    "mlp.up_proj": "ffn_up",
    "mlp.down_proj": "ffn_down",
}
OTHER_NAMES = {"model.embed_tokens": "token_embd", "model.norm": "output_norm", "lm_head": "output"}


def write_gguf(checkpoint_folder: Path, out: Path) -> None:
    """Write `out`; matrices in Q4_0, vectors in float32."""
    config = read_config(checkpoint_folder)
    writer = GGUFWriter(out, "qwen3")
    _add_config(writer, config)
    _add_tokenizer(writer, checkpoint_folder, config.vocab_size)
    with Checkpoint(checkpoint_folder) as checkpoint:
        for tensor in model_tensors(config):
            _add_tensor(writer, checkpoint, tensor)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


def _add_config(writer: GGUFWriter, config: ModelConfig) -> None:
    writer.add_context_length(config.max_position_embeddings)
    writer.add_embedding_length(config.hidden_size)
    writer.add_block_count(config.num_hidden_layers)
    writer.add_feed_forward_length(config.intermediate_size)
    writer.add_head_count(config.num_attention_heads)
    writer.add_head_count_kv(config.num_key_value_heads)
    writer.add_key_length(config.head_dim)
    writer.add_value_length(config.head_dim)
    writer.add_layer_norm_rms_eps(config.rms_norm_eps)
    writer.add_rope_freq_base(config.rope_theta)
    writer.add_file_type(gguf.LlamaFileType.MOSTLY_Q4_0)


def _add_tokenizer(writer: GGUFWriter, folder: Path, vocab_size: int) -> None:
    document = json.loads((folder / "tokenizer.json").read_text(encoding="utf-8"))
    tokens = [f"[unused {number}]" for number in range(vocab_size)]
    types = [gguf.TokenType.UNUSED] * vocab_size
    for token, number in document["model"]["vocab"].items():
        tokens[number], types[number] = token, gguf.TokenType.NORMAL
    for added in document["added_tokens"]:
        tokens[added["id"]], types[added["id"]] = added["content"], gguf.TokenType.CONTROL
    merges = document["model"]["merges"]
    writer.add_tokenizer_model("gpt2")
    writer.add_tokenizer_pre("qwen2")
    writer.add_token_list(tokens)
    writer.add_token_types(types)
    writer.add_token_merges([merge if isinstance(merge, str) else " ".join(merge) for merge in merges])
    writer.add_eos_token_id(tokens.index("<|im_end|>"))


def _add_tensor(writer: GGUFWriter, checkpoint: Checkpoint, tensor: ModelTensor) -> None:
    name = f"{_gguf_name(tensor.name)}.weight"
    if tensor.kind == "vector":
        writer.add_tensor(name, np.concatenate(list(checkpoint.rows(tensor))))
        return
    q4 = GGMLQuantizationType.Q4_0
    blocks = [gguf.quants.quantize(rows, q4) for rows in checkpoint.rows(tensor)]
    writer.add_tensor(name, np.concatenate(blocks), raw_dtype=q4)


def _gguf_name(name: str) -> str:
    if name in OTHER_NAMES:
        return OTHER_NAMES[name]
    _, _, layer, part = name.split(".", 3)
    return f"blk.{layer}.{LAYER_NAMES[part]}"
