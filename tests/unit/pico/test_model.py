"""The torch model equals transformers' Qwen3, and its int4 rule the contract."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from tokenizers import Tokenizer
from transformers import Qwen3Config, Qwen3ForCausalLM

from pagelm_builder.pico.checkpoint_files import CHECKPOINT_DIRECTORY
from pagelm_builder.pico.evaluate import TorchAnswers
from pagelm_builder.pico.model import Config, Qwen3, quantize_dequantize

CONFIG = Config(num_hidden_layers=2)


@pytest.fixture
def model() -> Qwen3:
    torch.manual_seed(0)
    made = Qwen3(CONFIG).eval()
    with torch.no_grad():
        for parameter in made.parameters():
            if parameter.dim() == 1:
                parameter.uniform_(0.5, 1.5)
    return made


def test_logits_equal_transformers(model: Qwen3) -> None:
    config = Qwen3Config(
        vocab_size=CONFIG.vocab_size,
        hidden_size=CONFIG.hidden_size,
        intermediate_size=CONFIG.intermediate_size,
        num_hidden_layers=CONFIG.num_hidden_layers,
        num_attention_heads=CONFIG.num_attention_heads,
        num_key_value_heads=CONFIG.num_key_value_heads,
        head_dim=CONFIG.head_dim,
        rope_theta=CONFIG.rope_theta,
        rms_norm_eps=CONFIG.rms_norm_eps,
        tie_word_embeddings=True,
    )
    reference = Qwen3ForCausalLM(config).eval()
    missing, unexpected = reference.load_state_dict(model.state_dict(), strict=False)
    assert (missing, unexpected) == (["lm_head.weight"], [])
    reference.tie_weights()
    input_ids = torch.randint(0, CONFIG.vocab_size, (2, 40))
    with torch.no_grad():
        torch.testing.assert_close(model(input_ids), reference(input_ids).logits, atol=1e-4, rtol=1e-4)


def test_int4_follows_the_contract_value_by_value() -> None:
    torch.manual_seed(1)
    weight = torch.randn(6, 64)
    weight[2, :32] = 0
    stored = weight.to(torch.bfloat16).float().numpy()
    expected = np.zeros_like(stored)
    for row in range(6):
        for start in (0, 32):
            block = stored[row, start : start + 32]
            scale = np.float32(np.float16(block[np.abs(block).argmax()] / -8))
            q = np.full(32, 8.0) if scale == 0 else np.clip(np.round(block / scale) + 8, 0, 15)
            expected[row, start : start + 32] = (q - 8) * scale
    np.testing.assert_array_equal(quantize_dequantize(weight).numpy(), expected)


def test_gradients_pass_straight_through_quantization(model: Qwen3) -> None:
    model.set_quantized(True)
    loss = model(torch.arange(16)[None]).square().mean()
    loss.backward()
    gradient = model.model.layers[0].get_parameter("mlp.up_proj.weight").grad
    assert gradient is not None
    assert gradient.abs().sum() > 0


def test_cached_batched_generation_equals_the_plain_forward(model: Qwen3) -> None:
    answers = TorchAnswers(model, Tokenizer.from_file(str(CHECKPOINT_DIRECTORY / "tokenizer.json")))
    prompts = [[5, 6, 7], [9, 8, 7, 6, 5, 4, 3]]
    for prompt, reply in zip(prompts, answers.generate(prompts, 12), strict=True):
        ids = torch.tensor([prompt + reply])
        with torch.no_grad():
            predicted = model(ids).argmax(-1)[0, len(prompt) - 1 : -1].tolist()
        assert predicted == reply
