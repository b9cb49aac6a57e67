"""Training text: exactly what the chat template renders, with only the last turn learned."""

from __future__ import annotations

from random import Random

import pytest
from tokenizers import Tokenizer
from transformers import AutoTokenizer, PreTrainedTokenizerBase

from pagelm.thinking_budget import CLOSING_SENTENCE
from pagelm_builder.pico.checkpoint_files import CHECKPOINT_DIRECTORY
from pagelm_builder.pico.conversations import draw_conversation, draw_samples


@pytest.fixture(scope="module")
def tokenizer() -> Tokenizer:
    return Tokenizer.from_file(str(CHECKPOINT_DIRECTORY / "tokenizer.json"))


@pytest.fixture(scope="module")
def hugging_face_tokenizer() -> PreTrainedTokenizerBase:
    loaded: PreTrainedTokenizerBase = AutoTokenizer.from_pretrained(CHECKPOINT_DIRECTORY)
    return loaded


def test_prompts_equal_the_chat_template(hugging_face_tokenizer: PreTrainedTokenizerBase) -> None:
    random = Random(5)
    for _ in range(200):
        conversation = draw_conversation(random)
        rendered = hugging_face_tokenizer.apply_chat_template(
            list(conversation.messages),
            tokenize=False,
            add_generation_prompt=True,
            enable_thinking=conversation.enable_thinking,
        )
        assert conversation.prompt == rendered


def test_whole_turns_equal_the_chat_template(hugging_face_tokenizer: PreTrainedTokenizerBase) -> None:
    random = Random(6)
    for _ in range(200):
        conversation = draw_conversation(random)
        thinking = conversation.last.thinking if conversation.enable_thinking else ""
        reply = {"role": "assistant", "content": conversation.last.answer, "reasoning_content": thinking}
        rendered = hugging_face_tokenizer.apply_chat_template([*conversation.messages, reply], tokenize=False)
        assert f"{conversation.prompt}{conversation.reply}\n" == rendered


def test_ids_equal_those_of_the_loaded_tokenizer(
    tokenizer: Tokenizer, hugging_face_tokenizer: PreTrainedTokenizerBase
) -> None:
    texts = [
        conversation.prompt for conversation in map(draw_conversation, [Random(seed) for seed in range(50)])
    ]
    texts += ["naïve café 中文 😀\n\n  x", "e\u0301"]
    for text in texts:
        assert hugging_face_tokenizer(text)["input_ids"] == tokenizer.encode(text).ids


def test_only_the_reply_is_learned(tokenizer: Tokenizer) -> None:
    for sample in draw_samples(Random(7), tokenizer, 200):
        learned = tokenizer.decode(sample.input_ids[sample.learned_from :], skip_special_tokens=False)
        given = tokenizer.decode(sample.input_ids[: sample.learned_from], skip_special_tokens=False)
        assert learned.endswith("<|im_end|>")
        assert learned.count("<|im_end|>") == 1
        assert "<|im_start|>" not in learned
        assert given.endswith(("assistant\n", "</think>\n\n"))


def test_reasoning_that_is_cut_is_closed_as_the_runtime_does(tokenizer: Tokenizer) -> None:
    cut = [
        tokenizer.decode(sample.input_ids[: sample.learned_from], skip_special_tokens=False)
        for sample in draw_samples(Random(8), tokenizer, 400)
    ]
    closed = [text for text in cut if text.rpartition("<|im_start|>")[2].startswith("assistant\n<think>")]
    reasoned = [text for text in closed if "<think>\n\n</think>" not in text.rpartition("<|im_start|>")[2]]
    with_sentence = [text for text in reasoned if text.endswith(f"{CLOSING_SENTENCE}</think>\n\n")]
    assert len(with_sentence) > 10
    assert len(reasoned) > len(with_sentence)
