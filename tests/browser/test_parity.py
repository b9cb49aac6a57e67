"""The model in Chromium against the same bundle on CPython: same tokens, right answers, prompt stops."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Final

import pytest

from browser.native_graph import NATIVE_GRAPH
from browser.threads import in_a_thread
from pagelm import Done, LanguageModel, ReasoningDelta, SamplingOptions, TextDelta
from pagelm_builder.pico.problems import Problem, grade, heldout_problems
from pagelm_builder.verify.model_client import ModelClient

# Held-out problems of every task and number of digits; fewer on WebGPU, which is software here.
EVERY: Final[Mapping[str, int]] = {"webgpu": 100, "wasm": 20}

MODES = (True, False)

GREEDY: Final = SamplingOptions(temperature=0)

Said = tuple[str, str, int]
"""Reasoning, answer, and how many tokens they took."""


@pytest.fixture(scope="session")
def problems(model: ModelClient) -> list[Problem]:
    return heldout_problems()[:: EVERY[model.backend]]


@pytest.fixture(scope="session")
def said_in_page(model: ModelClient, problems: list[Problem]) -> dict[bool, list[Said]]:
    """What the page says to each problem, greedy, by mode."""
    return {mode: [page_reply(model, problem, mode) for problem in problems] for mode in MODES}


@pytest.fixture(scope="session")
def said_natively(model: ModelClient, exact_pico: Path, problems: list[Problem]) -> dict[bool, list[Said]]:
    """What CPython says to the same, by the same arithmetic."""

    async def say() -> dict[bool, list[Said]]:
        native = await LanguageModel.load(exact_pico, graph=NATIVE_GRAPH[model.backend])
        return {mode: [await native_reply(native, problem, mode) for problem in problems] for mode in MODES}

    return in_a_thread(say())


def page_reply(model: ModelClient, problem: Problem, enable_thinking: bool) -> Said:
    reply = model.reply(problem.messages, enable_thinking=enable_thinking)
    return reply.reasoning, reply.text, reply.usage["reasoningTokens"] + reply.usage["answerTokens"]


async def native_reply(
    model: LanguageModel, problem: Problem, enable_thinking: bool, sampling: SamplingOptions = GREEDY
) -> Said:
    reasoning, text, tokens = "", "", 0
    async for event in model.reply(problem.messages, enable_thinking=enable_thinking, sampling=sampling):
        match event:
            case ReasoningDelta(piece):
                reasoning += piece
            case TextDelta(piece):
                text += piece
            case Done(usage=usage):
                tokens = usage.reasoning_tokens + usage.answer_tokens
    return reasoning, text, tokens


@pytest.mark.parametrize("enable_thinking", MODES, ids=["thinking", "non-thinking"])
def test_greedy_replies_are_those_of_the_native_backend(
    said_in_page: dict[bool, list[Said]], said_natively: dict[bool, list[Said]], enable_thinking: bool
) -> None:
    assert said_in_page[enable_thinking] == said_natively[enable_thinking]


def test_held_out_problems_are_answered_rightly_with_thinking(
    problems: list[Problem], said_in_page: dict[bool, list[Said]]
) -> None:
    wrong = [
        (problem, text)
        for problem, (_, text, _) in zip(problems, said_in_page[True], strict=True)
        if not grade(problem, text)
    ]
    assert len(wrong) <= len(problems) // 20, wrong


def test_held_out_words_are_reversed_rightly_without_thinking(
    problems: list[Problem], said_in_page: dict[bool, list[Said]]
) -> None:
    """What pico has learned to do at once; at sums it needs to think, and the README says how much."""
    replies = [
        (problem, text)
        for problem, (_, text, _) in zip(problems, said_in_page[False], strict=True)
        if problem.task == "reverse"
    ]
    assert replies
    assert [reply for reply in replies if not grade(*reply)] == []


def test_non_thinking_replies_are_short_and_hold_no_reasoning(
    said_in_page: dict[bool, list[Said]],
) -> None:
    for reasoning, text, tokens in said_in_page[False]:
        assert reasoning == ""
        assert text
        assert tokens < 40


def test_guesses_save_steps_on_wasm_and_are_not_offered_on_webgpu(model: ModelClient) -> None:
    messages = [{"role": "user", "content": "What is 27 + 38?"}]
    replies = [model.reply(messages, enable_thinking=True, prompt_lookup=lookup) for lookup in (False, True)]
    plain, guessed = (reply.usage for reply in replies)
    assert replies[0].text == replies[1].text
    assert plain["steps"] >= plain["reasoningTokens"] + plain["answerTokens"]
    assert (guessed["steps"] < plain["steps"]) == (model.backend == "wasm")


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


def test_a_seed_draws_what_the_native_backend_draws_from_it(
    model: ModelClient, exact_pico: Path, problems: list[Problem]
) -> None:
    async def say() -> list[Said]:
        native = await LanguageModel.load(exact_pico, graph=NATIVE_GRAPH[model.backend])
        drawn = [
            SamplingOptions(temperature=1.2, top_k=40, top_p=0.98, seed=seed)
            for seed in range(len(problems[:3]))
        ]
        return [
            await native_reply(native, problem, False, sampling)
            for problem, sampling in zip(problems, drawn, strict=False)
        ]

    found = []
    for seed, problem in enumerate(problems[:3]):
        sampling = {"temperature": 1.2, "topK": 40, "topP": 0.98, "seed": seed}
        reply = model.reply(problem.messages, enable_thinking=False, sampling=sampling)
        tokens = reply.usage["reasoningTokens"] + reply.usage["answerTokens"]
        found.append((reply.reasoning, reply.text, tokens))
    assert found == in_a_thread(say())


def test_the_same_seed_draws_the_same_reply(model: ModelClient) -> None:
    messages = [{"role": "user", "content": "Tell me a story"}]
    sampling = {"temperature": 1.5, "topK": 40, "seed": 11, "maxNewTokens": 30}
    first = model.reply(messages, enable_thinking=True, sampling=sampling)
    second = model.reply(messages, enable_thinking=True, sampling=sampling)
    assert (first.reasoning, first.text) == (second.reasoning, second.text)
    assert first.usage["seed"] == 11
