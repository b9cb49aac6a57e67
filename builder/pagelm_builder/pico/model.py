"""Qwen3 in plain torch, small enough to train on a CPU, with Hugging Face's parameter names.

Follows transformers' Qwen3ForCausalLM (a test holds the logits equal): RMSNorm, rotary embeddings, QK-norm,
grouped queries, SiLU-gated MLP, tied embedding. With `quantized` on, every matrix is seen through bfloat16
and the builder's int4 rule while gradients pass straight through. Knows nothing of problems, tokenizers or
files.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional

from pagelm_builder.pico.cpu_functions import normalize, rotate

BLOCK_SIZE = 32


@dataclass(frozen=True, slots=True)
class Config:
    """Qwen3's configuration, with the values of pico."""

    vocab_size: int = 512
    hidden_size: int = 128
    intermediate_size: int = 384
    num_hidden_layers: int = 4
    num_attention_heads: int = 4
    num_key_value_heads: int = 2
    head_dim: int = 64
    max_position_embeddings: int = 4096
    rms_norm_eps: float = 1e-6
    rope_theta: float = 1_000_000.0


def quantize_dequantize(weight: Tensor) -> Tensor:
    """What the exported model computes with: bfloat16, then symmetric int4 in blocks of 32 inputs.

    The entry d of largest magnitude gives `scale = float16(d / -8)`; `q = clip(round(w / scale) + 8, 0, 15)`.
    """
    stored = weight.detach().to(torch.bfloat16).float()
    blocks = stored.reshape(weight.shape[0], -1, BLOCK_SIZE)
    largest = blocks.gather(-1, blocks.abs().argmax(-1, keepdim=True))
    scale = (largest / -8).to(torch.float16).float()
    divisor = torch.where(scale == 0, torch.ones_like(scale), scale)
    quantized = torch.where(scale == 0, torch.zeros_like(blocks), torch.round(blocks / divisor).clamp(-8, 7))
    return (quantized * scale).reshape(weight.shape)


class QuantizableLinear(nn.Module):
    """A matrix [N, K] without bias."""

    def __init__(self, in_features: int, out_features: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.randn(out_features, in_features) * in_features**-0.5)
        self.quantized = False

    def forward(self, inputs: Tensor) -> Tensor:
        """`inputs` [..., K] to [..., N]."""
        return functional.linear(inputs, effective_weight(self.weight, self.quantized))


class QuantizableEmbedding(nn.Module):
    """The embedding [vocab_size, hidden_size], also used as the head."""

    def __init__(self, vocab_size: int, hidden_size: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.randn(vocab_size, hidden_size) * 0.05)
        self.quantized = False

    def forward(self, input_ids: Tensor) -> Tensor:
        """[batch, seq] to [batch, seq, hidden_size]."""
        return functional.embedding(input_ids, effective_weight(self.weight, self.quantized))

    def to_logits(self, hidden: Tensor) -> Tensor:
        """[..., hidden_size] to [..., vocab_size]."""
        return functional.linear(hidden, effective_weight(self.weight, self.quantized))


def effective_weight(weight: Tensor, quantized: bool) -> Tensor:
    """The weight, or its quantized value with the gradient of the weight itself (straight-through)."""
    return weight + (quantize_dequantize(weight) - weight).detach() if quantized else weight


class RMSNorm(nn.Module):
    """Root mean square norm over the last dimension."""

    def __init__(self, size: int, eps: float) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.ones(size))
        self.eps = eps

    def forward(self, inputs: Tensor) -> Tensor:
        """Same shape as `inputs`."""
        return normalize(inputs, self.weight, self.eps)


class KeyValueCache:
    """Past keys and values of one layer, [batch, num_key_value_heads, seq, head_dim]."""

    def __init__(self) -> None:
        self.keys: Tensor | None = None
        self.values: Tensor | None = None

    def extend(self, keys: Tensor, values: Tensor) -> tuple[Tensor, Tensor]:
        """Appends and returns everything seen so far."""
        self.keys = keys if self.keys is None else torch.cat([self.keys, keys], dim=2)
        self.values = values if self.values is None else torch.cat([self.values, values], dim=2)
        return self.keys, self.values


@dataclass(frozen=True, slots=True)
class Context:
    """What all layers share: cos and sin [seq, head_dim / 2] and a mask, None for plain causal."""

    cos: Tensor
    sin: Tensor
    mask: Tensor | None


class Attention(nn.Module):
    """Grouped-query attention with normalized queries and keys."""

    def __init__(self, config: Config) -> None:
        super().__init__()
        self.head_dim = config.head_dim
        self.group = config.num_attention_heads // config.num_key_value_heads
        self.q_proj = QuantizableLinear(config.hidden_size, config.num_attention_heads * config.head_dim)
        self.k_proj = QuantizableLinear(config.hidden_size, config.num_key_value_heads * config.head_dim)
        self.v_proj = QuantizableLinear(config.hidden_size, config.num_key_value_heads * config.head_dim)
        self.o_proj = QuantizableLinear(config.num_attention_heads * config.head_dim, config.hidden_size)
        self.q_norm = RMSNorm(config.head_dim, config.rms_norm_eps)
        self.k_norm = RMSNorm(config.head_dim, config.rms_norm_eps)

    def forward(self, hidden: Tensor, context: Context, cache: KeyValueCache | None) -> Tensor:
        """[batch, seq, hidden_size] to the same."""
        batch, length, _ = hidden.shape
        heads = (batch, length, -1, self.head_dim)
        queries = rotate(
            self.q_norm(self.q_proj(hidden).view(heads)).transpose(1, 2), context.cos, context.sin
        )
        keys = rotate(self.k_norm(self.k_proj(hidden).view(heads)).transpose(1, 2), context.cos, context.sin)
        values = self.v_proj(hidden).view(heads).transpose(1, 2)
        if cache is not None:
            keys, values = cache.extend(keys, values)
        keys = keys.repeat_interleave(self.group, dim=1)
        values = values.repeat_interleave(self.group, dim=1)
        causal = context.mask is None
        mixed = functional.scaled_dot_product_attention(queries, keys, values, context.mask, is_causal=causal)
        return self._project(mixed.transpose(1, 2).reshape(batch, length, -1))

    def _project(self, mixed: Tensor) -> Tensor:
        projected: Tensor = self.o_proj(mixed)
        return projected


class MLP(nn.Module):
    """`down(silu(gate(x)) * up(x))`."""

    def __init__(self, config: Config) -> None:
        super().__init__()
        self.gate_proj = QuantizableLinear(config.hidden_size, config.intermediate_size)
        self.up_proj = QuantizableLinear(config.hidden_size, config.intermediate_size)
        self.down_proj = QuantizableLinear(config.intermediate_size, config.hidden_size)

    def forward(self, hidden: Tensor) -> Tensor:
        """[batch, seq, hidden_size] to the same."""
        output: Tensor = self.down_proj(functional.silu(self.gate_proj(hidden)) * self.up_proj(hidden))
        return output


class DecoderLayer(nn.Module):
    """Attention and MLP, each normalized before and added to the residual."""

    def __init__(self, config: Config) -> None:
        super().__init__()
        self.self_attn = Attention(config)
        self.mlp = MLP(config)
        self.input_layernorm = RMSNorm(config.hidden_size, config.rms_norm_eps)
        self.post_attention_layernorm = RMSNorm(config.hidden_size, config.rms_norm_eps)

    def forward(self, hidden: Tensor, context: Context, cache: KeyValueCache | None) -> Tensor:
        """[batch, seq, hidden_size] to the same."""
        hidden = hidden + self.self_attn(self.input_layernorm(hidden), context, cache)
        output: Tensor = hidden + self.mlp(self.post_attention_layernorm(hidden))
        return output


class Decoder(nn.Module):
    """Embedding, layers and final norm: token ids to normalized hidden states."""

    def __init__(self, config: Config) -> None:
        super().__init__()
        self.config = config
        self.embed_tokens = QuantizableEmbedding(config.vocab_size, config.hidden_size)
        self.layers = nn.ModuleList(DecoderLayer(config) for _ in range(config.num_hidden_layers))
        self.norm = RMSNorm(config.hidden_size, config.rms_norm_eps)

    def forward(self, input_ids: Tensor, caches: list[KeyValueCache] | None, context: Context) -> Tensor:
        """`input_ids` [batch, seq] to [batch, seq, hidden_size]."""
        hidden = self.embed_tokens(input_ids)
        for index, layer in enumerate(self.layers):
            hidden = layer(hidden, context, caches[index] if caches is not None else None)
        output: Tensor = self.norm(hidden)
        return output


class Qwen3(nn.Module):
    """The causal language model; the head is the embedding."""

    def __init__(self, config: Config) -> None:
        super().__init__()
        self.config = config
        self.model = Decoder(config)

    def set_quantized(self, quantized: bool) -> None:
        """Whether every matrix is seen through the int4 rule."""
        for module in self.modules():
            if isinstance(module, QuantizableLinear | QuantizableEmbedding):
                module.quantized = quantized

    def hidden_states(self, input_ids: Tensor) -> Tensor:
        """Hidden states [batch, seq, hidden_size] of right-padded `input_ids`, causal from position 0."""
        context = make_context(self.config, torch.arange(input_ids.shape[1]), None)
        output: Tensor = self.model(input_ids, None, context)
        return output

    def to_logits(self, hidden: Tensor) -> Tensor:
        """[..., hidden_size] to [..., vocab_size]."""
        return self.model.embed_tokens.to_logits(hidden)

    def forward(self, input_ids: Tensor) -> Tensor:
        """Logits [batch, seq, vocab_size]."""
        return self.to_logits(self.hidden_states(input_ids))

    def parameter_count(self) -> int:
        """All parameters; the tied head counts once."""
        return sum(parameter.numel() for parameter in self.parameters())


def make_context(config: Config, positions: Tensor, mask: Tensor | None) -> Context:
    """Rotary tables for `positions` [seq]."""
    exponents = torch.arange(0, config.head_dim, 2).float() / config.head_dim
    angles = positions.float()[:, None] * config.rope_theta**-exponents
    return Context(angles.cos(), angles.sin(), mask)
