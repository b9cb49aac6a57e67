"""The model in Chromium against the same bundle on CPython: same tokens, right answers, prompt stops."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from pathlib import Path
from typing import Final, Literal

import pytest

from browser.model_client import ModelClient
from pagelm import Done, LanguageModel, ReasoningDelta, SamplingOptions, TextDelta
from pagelm_builder.pico.problems import Problem, grade, heldout_problems

# The same arithmetic: int4 weights as they are, or expanded to int8 with int8 activations.
NATIVE_GRAPH: Final[Mapping[str, Literal["native", "wasm"]]] = {"webgpu": "native", "wasm": "wasm"}

PROBLEMS = heldout_problems()[::20]
"""25 held-out problems, every task and number of digits among them."""


@pytest.fixture(scope="session")
def native_replies(model: ModelClient, dist: Path) -> dict[tuple[int, bool], tuple[str, str, int]]:
    """Reasoning, answer and token count on CPython, greedy, by problem and mode."""

    async def answer_all() -> dict[tuple[int, bool], tuple[str, str, int]]:
        native = await LanguageModel.load(dist / "models" / "pico", graph=NATIVE_GRAPH[model.backend])
        replies = {}
        for enable_thinking in (True, False):
            for number, problem in enumerate(PROBLEMS):
                replies[number, enable_thinking] = await native_reply(native, problem, enable_thinking)
        return replies

    return asyncio.run(answer_all())


async def native_reply(model: LanguageModel, problem: Problem, enable_thinking: bool) -> tuple[str, str, int]:
    reasoning, text, tokens = "", "", 0
    greedy = SamplingOptions(temperature=0)
    async for event in model.reply(problem.messages, enable_thinking=enable_thinking, sampling=greedy):
        match event:
            case ReasoningDelta(piece):
                reasoning += piece
            case TextDelta(piece):
                text += piece
            case Done(usage=usage):
                tokens = usage.reasoning_tokens + usage.answer_tokens
    return reasoning, text, tokens


@pytest.mark.parametrize("enable_thinking", [True, False], ids=["thinking", "non-thinking"])
def test_greedy_replies_are_those_of_the_native_backend(
    model: ModelClient,
    native_replies: dict[tuple[int, bool], tuple[str, str, int]],
    enable_thinking: bool,
) -> None:
    for number, problem in enumerate(PROBLEMS):
        reply = model.reply(problem.messages, enable_thinking=enable_thinking)
        tokens = reply.usage["reasoningTokens"] + reply.usage["answerTokens"]
        assert (reply.reasoning, reply.text, tokens) == native_replies[number, enable_thinking]


def test_held_out_problems_are_answered_rightly_with_thinking(model: ModelClient) -> None:
    wrong = [
        problem
        for problem in PROBLEMS
        if not grade(problem, model.reply(problem.messages, enable_thinking=True).text)
    ]
    assert len(wrong) <= 1, wrong


def test_without_thinking_nothing_is_reasoned(model: ModelClient) -> None:
    reply = model.reply([{"role": "user", "content": "What is 2 + 3?"}], enable_thinking=False)
    assert reply.reasoning == ""
    assert "5" in reply.text
    assert reply.finish_reason == "stop"


def test_a_stop_arrives_within_one_token(model: ModelClient) -> None:
    messages = [{"role": "user", "content": "Reverse the word strawberry"}]
    reply = model.reply(messages, enable_thinking=True, cancel_after_events=5)
    assert reply.finish_reason == "abort"
    assert reply.events_after_cancel <= 1


def test_the_next_turn_reuses_the_cache(model: ModelClient) -> None:
    messages = [{"role": "user", "content": "What is 27 + 38?"}]
    first = model.reply(messages, enable_thinking=True)
    messages += [{"role": "assistant", "content": first.text}, {"role": "user", "content": "and plus 12?"}]
    second = model.reply(messages, enable_thinking=True)
    assert second.usage["cachedTokens"] > 0
    assert "77" in second.text


def test_the_same_seed_draws_the_same_reply(model: ModelClient) -> None:
    messages = [{"role": "user", "content": "Tell me a story"}]
    sampling = {"temperature": 1.5, "topK": 40, "seed": 11, "maxNewTokens": 60}
    first = model.reply(messages, enable_thinking=True, sampling=sampling)
    second = model.reply(messages, enable_thinking=True, sampling=sampling)
    assert (first.reasoning, first.text) == (second.reasoning, second.text)
    assert first.usage["seed"] == 11
