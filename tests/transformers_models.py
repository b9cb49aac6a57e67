"""transformers' own models on given weights: the oracle of everything that computes logits."""

from __future__ import annotations

import warnings
from dataclasses import asdict

import numpy as np
import torch
from numpy.typing import NDArray

from pagelm_builder.config import ModelConfig
from tiny_checkpoints import LLAMA3_SCALING, Arrays

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    import transformers


def make_reference(config: ModelConfig) -> torch.nn.Module:
    """transformers' model of this shape, in float32, with weights of its own."""
    keys = asdict(config)
    theta, divisors, architecture = (keys.pop(key) for key in ("rope_theta", "rope_divisors", "architecture"))
    rope: dict[str, object] = {"rope_type": "default", "rope_theta": theta}
    if divisors is not None:
        rope |= {"rope_type": "llama3", **asdict(LLAMA3_SCALING)}
    model_class = getattr(transformers, architecture)
    model_config = model_class.config_class(**keys, rope_parameters=rope)
    model_config._attn_implementation = "eager"
    model: torch.nn.Module = model_class(model_config).float().eval()
    return model


def all_logits(config: ModelConfig, arrays: Arrays, tokens: list[int]) -> NDArray[np.float32]:
    """transformers' logits after each token, float32 `[tokens, vocab_size]`."""
    logits: NDArray[np.float32] = _run(config, arrays, tokens, "eager").numpy()
    return logits


def last_logits(config: ModelConfig, arrays: Arrays, tokens: list[int]) -> NDArray[np.float32]:
    """transformers' logits after the last token, float32 `[vocab_size]`, without the attention matrix in
    memory at once: for long sequences."""
    logits: NDArray[np.float32] = _run(config, arrays, tokens, "sdpa", logits_to_keep=1)[-1].numpy()
    return logits


def _run(
    config: ModelConfig, arrays: Arrays, tokens: list[int], attention: str, logits_to_keep: int = 0
) -> torch.Tensor:
    model = make_reference(config)
    model.set_attn_implementation(attention)  # type: ignore[operator]  # torch types attributes as tensors
    weights = {key: torch.from_numpy(value) for key, value in arrays.items()}
    missing, unexpected = model.load_state_dict(weights, strict=False)
    assert not unexpected
    assert set(missing) <= {"lm_head.weight"}
    with torch.no_grad():
        logits: torch.Tensor = model(torch.tensor([tokens]), logits_to_keep=logits_to_keep).logits[0]
    return logits
