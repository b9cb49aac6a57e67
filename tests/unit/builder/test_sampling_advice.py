"""Sampling defaults of a bundle: a checkpoint's own, Qwen3's pair, or llama.cpp's where none says."""

from __future__ import annotations

import pytest

from pagelm.sampling_options import SamplingOptions
from pagelm_builder.errors import ConfigError
from pagelm_builder.sampling_advice import generation_entry, read_advice

QWEN25 = {"do_sample": True, "temperature": 0.7, "top_k": 20, "top_p": 0.8, "repetition_penalty": 1.1}
LLAMA32 = {"do_sample": True, "temperature": 0.6, "top_p": 0.9, "eos_token_id": [128001, 128009]}
SMOLLM2 = {"_from_model_config": True, "bos_token_id": 1, "eos_token_id": 2, "pad_token_id": 2}


def test_what_a_checkpoint_asks_for_is_taken() -> None:
    assert read_advice(QWEN25) == SamplingOptions(
        temperature=0.7, top_k=20, top_p=0.8, min_p=0.0, repetition_penalty=1.1
    )


def test_what_it_leaves_out_is_what_transformers_would_take() -> None:
    assert read_advice(LLAMA32) == SamplingOptions(temperature=0.6, top_k=50, top_p=0.9, min_p=0.0)
    assert read_advice({"do_sample": True}) == SamplingOptions(temperature=1.0, top_k=50, top_p=1.0)


def test_no_sampling_is_greedy() -> None:
    advice = read_advice({"do_sample": False, "temperature": 0.9, "repetition_penalty": 1.2})
    assert advice is not None
    assert (advice.temperature, advice.repetition_penalty) == (0.0, 1.2)


def test_values_count_where_do_sample_is_left_out() -> None:
    advice = read_advice({"temperature": 0.3, "top_k": None})
    assert advice == SamplingOptions(temperature=0.3, top_k=50, top_p=1.0)


@pytest.mark.parametrize("silent", [{}, SMOLLM2, {"temperature": None}])
def test_a_checkpoint_may_say_nothing(silent: dict[str, object]) -> None:
    assert read_advice(silent) is None


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("do_sample", 1),
        ("do_sample", "yes"),
        ("temperature", -1),
        ("top_k", 2.5),
        ("top_p", "0.9"),
        ("min_p", 2),
    ],
)
def test_a_value_that_cannot_be_is_named(key: str, value: object) -> None:
    with pytest.raises(ConfigError, match=rf"generation_config\.json: {key} is"):
        read_advice({key: value})


def test_a_qwen3_that_thinks_gets_qwen3s_own_for_each_mode() -> None:
    entry = generation_entry(SamplingOptions(temperature=0.0), "Qwen3ForCausalLM", thinking=True)
    assert entry == {
        "thinking": {"temperature": 0.6, "top_k": 20, "top_p": 0.95, "min_p": 0.0, "repetition_penalty": 1.0},
        "non_thinking": {
            "temperature": 0.7,
            "top_k": 20,
            "top_p": 0.8,
            "min_p": 0.0,
            "repetition_penalty": 1.0,
        },
    }


@pytest.mark.parametrize(
    ("architecture", "thinking"),
    [("Qwen3ForCausalLM", False), ("Qwen2ForCausalLM", True), ("LlamaForCausalLM", False)],
)
def test_any_other_gets_what_it_asks_for_in_both(architecture: str, thinking: bool) -> None:
    entry = generation_entry(read_advice(QWEN25), architecture, thinking=thinking)  # type: ignore[arg-type]
    assert entry["thinking"] == entry["non_thinking"]
    assert entry["non_thinking"] == {
        "temperature": 0.7, "top_k": 20, "top_p": 0.8, "min_p": 0.0, "repetition_penalty": 1.1
    }  # fmt: skip


def test_where_nothing_is_said_it_is_sampled_as_llama_cpp_samples() -> None:
    assert generation_entry(None, "LlamaForCausalLM", thinking=False)["non_thinking"] == {
        "temperature": 0.8, "top_k": 40, "top_p": 0.95, "min_p": 0.05, "repetition_penalty": 1.0
    }  # fmt: skip
