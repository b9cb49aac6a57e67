"""Saves and loads pico as a Hugging Face checkpoint directory, as Qwen3 is published.

Weights are bfloat16 safetensors under Hugging Face's names. Knows nothing of training or problems.
"""

from __future__ import annotations

import json
from dataclasses import asdict, fields
from pathlib import Path

import torch
from safetensors.torch import load_file, save_file
from tokenizers import Tokenizer

from pagelm_builder.pico.model import Config, Qwen3
from pagelm_builder.pico.vocabulary import save_tokenizer

CHECKPOINT_DIRECTORY = Path(__file__).parent / "checkpoint"


def save_checkpoint(directory: Path, model: Qwen3, tokenizer: Tokenizer) -> None:
    """Writes config, weights, tokenizer and generation defaults."""
    directory.mkdir(parents=True, exist_ok=True)
    weights = {
        name: tensor.detach().to(torch.bfloat16).contiguous() for name, tensor in model.state_dict().items()
    }
    save_file(weights, directory / "model.safetensors", metadata={"format": "pt"})
    save_tokenizer(tokenizer, directory)
    end_id, pad_id = tokenizer.token_to_id("<|im_end|>"), tokenizer.token_to_id("<|endoftext|>")
    config = {
        "architectures": ["Qwen3ForCausalLM"],
        "attention_bias": False,
        "attention_dropout": 0.0,
        "bos_token_id": pad_id,
        "eos_token_id": end_id,
        "hidden_act": "silu",
        "initializer_range": 0.02,
        "max_window_layers": model.config.num_hidden_layers,
        "model_type": "qwen3",
        "rope_scaling": None,
        "sliding_window": None,
        "tie_word_embeddings": True,
        "torch_dtype": "bfloat16",
        "use_cache": True,
        "use_sliding_window": False,
        **asdict(model.config),
    }
    _write_json(directory / "config.json", dict(sorted(config.items())))
    generation: dict[str, object] = {
        "bos_token_id": pad_id,
        "do_sample": False,
        "eos_token_id": [end_id, pad_id],
        "pad_token_id": pad_id,
    }
    _write_json(directory / "generation_config.json", generation)


def load_checkpoint(directory: Path) -> tuple[Qwen3, Tokenizer]:
    """The model, in float32 and not quantized, and its tokenizer."""
    stored = json.loads((directory / "config.json").read_text(encoding="utf-8"))
    model = Qwen3(Config(**{field.name: stored[field.name] for field in fields(Config)}))
    model.load_state_dict(
        {name: tensor.float() for name, tensor in load_file(directory / "model.safetensors").items()}
    )
    return model.eval(), Tokenizer.from_file(str(directory / "tokenizer.json"))


def _write_json(path: Path, content: dict[str, object]) -> None:
    path.write_text(json.dumps(content, indent=2) + "\n", encoding="utf-8")
