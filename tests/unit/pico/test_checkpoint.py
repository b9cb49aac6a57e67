"""The committed checkpoint: small enough, right often enough, and loadable by transformers."""

from __future__ import annotations

import json

import pytest
import torch
from transformers import AutoModelForCausalLM, AutoTokenizer

from pagelm_builder.pico.checkpoint_files import CHECKPOINT_DIRECTORY, load_checkpoint
from pagelm_builder.pico.evaluate import TorchAnswers
from pagelm_builder.pico.problems import grade, heldout_problems

QUESTION = [{"role": "user", "content": "What is 27 + 38?"}]


def test_the_evaluation_meets_the_floor() -> None:
    evaluation = json.loads((CHECKPOINT_DIRECTORY / "evaluation.json").read_text(encoding="utf-8"))
    assert evaluation["problems"] == 500
    assert evaluation["with_thinking"]["accuracy"] >= 0.97


def test_it_is_small() -> None:
    model, _ = load_checkpoint(CHECKPOINT_DIRECTORY)
    assert model.parameter_count() <= 2_500_000
    assert sum(path.stat().st_size for path in CHECKPOINT_DIRECTORY.iterdir()) <= 6_000_000


@pytest.mark.parametrize("enable_thinking", [True, False])
def test_transformers_continues_as_the_torch_model(enable_thinking: bool) -> None:
    model, tokenizer = load_checkpoint(CHECKPOINT_DIRECTORY)
    reference = AutoModelForCausalLM.from_pretrained(CHECKPOINT_DIRECTORY, dtype=torch.float32)
    loaded = AutoTokenizer.from_pretrained(CHECKPOINT_DIRECTORY)
    prompt = loaded.apply_chat_template(
        QUESTION, tokenize=False, add_generation_prompt=True, enable_thinking=enable_thinking
    )
    inputs = loaded(prompt, return_tensors="pt")
    generated = reference.generate(**inputs, max_new_tokens=120)[0, inputs["input_ids"].shape[1] :]
    expected = loaded.decode(generated, skip_special_tokens=False).removesuffix("<|im_end|>")
    assert TorchAnswers(model, tokenizer)([QUESTION], enable_thinking) == [expected]


def test_a_sample_of_held_out_problems_is_still_answered() -> None:
    model, tokenizer = load_checkpoint(CHECKPOINT_DIRECTORY)
    model.set_quantized(True)
    problems = heldout_problems()[::10]
    texts = TorchAnswers(model, tokenizer)([problem.messages for problem in problems], True)
    right = sum(grade(problem, text) for problem, text in zip(problems, texts, strict=True))
    assert right >= 0.94 * len(problems)
