"""The numbers that describe a decoder, by the names of its config.json.

`head_dim` is a key of its own: for Qwen3 it is never hidden_size / num_attention_heads. Nothing is guessed: a
missing key is an error where the file is read.
"""

from __future__ import annotations

from dataclasses import dataclass

from pagelm.json_fields import Fields

ARCHITECTURES = ("Qwen3ForCausalLM", "Qwen2ForCausalLM", "LlamaForCausalLM")
"""The families whose graphs the builder emits; to the runtime they are all the same."""


@dataclass(frozen=True, slots=True)
class ModelConfig:
    """Shape of the decoder; attributes are config.json's keys."""

    architecture: str
    vocab_size: int
    hidden_size: int
    intermediate_size: int
    num_hidden_layers: int
    num_attention_heads: int
    num_key_value_heads: int
    head_dim: int
    max_position_embeddings: int
    rope_theta: float
    rms_norm_eps: float
    tie_word_embeddings: bool

    @classmethod
    def from_fields(cls, model: Fields) -> ModelConfig:
        """Read `model` of a manifest; see `manifest.parse_manifest` for the errors."""
        config = cls(
            architecture=model.text("architecture", one_of=ARCHITECTURES),
            vocab_size=model.integer("vocab_size", minimum=1),
            hidden_size=model.integer("hidden_size", minimum=1),
            intermediate_size=model.integer("intermediate_size", minimum=1),
            num_hidden_layers=model.integer("num_hidden_layers", minimum=1),
            num_attention_heads=model.integer("num_attention_heads", minimum=1),
            num_key_value_heads=model.integer("num_key_value_heads", minimum=1),
            head_dim=model.integer("head_dim", minimum=1),
            max_position_embeddings=model.integer("max_position_embeddings", minimum=1),
            rope_theta=model.number("rope_theta"),
            rms_norm_eps=model.number("rms_norm_eps"),
            tie_word_embeddings=model.flag("tie_word_embeddings"),
        )
        if config.num_attention_heads % config.num_key_value_heads:
            raise model.refused(
                "num_attention_heads",
                f"is {config.num_attention_heads}",
                f"a multiple of num_key_value_heads, {config.num_key_value_heads}",
            )
        return config
