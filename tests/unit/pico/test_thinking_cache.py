"""Thinking and the cache on real arithmetic: after several thinking turns pico goes on as from scratch.

Qwen3's template drops earlier reasoning, so the prompt of a turn is not what the cache holds. Reusing the
cache by length, without comparing tokens, is a mistake that was made elsewhere: it would show here.
"""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from pagelm import LanguageModel
from pagelm._backend_native import NativeGraph
from pagelm.chat_messages import ChatMessage
from pagelm.events import Done, Logprobs, Usage
from pagelm.sampling_options import SamplingOptions
from pagelm_builder.export import export_bundle
from pagelm_builder.pico.checkpoint_files import CHECKPOINT_DIRECTORY

GREEDY = SamplingOptions(temperature=0)
QUESTIONS = ("What is 27 + 38?", "and plus 250?", "How many r's are in strawberry?")
NEXT = "Reverse the word stressed"
TOLERANCE = 0.05
"""A rounding tie in one activation is a step of this size at most (docs/decisions.md); other text is not."""


@pytest.fixture(scope="module")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return export_bundle(CHECKPOINT_DIRECTORY, tmp_path_factory.mktemp("out") / "pico")


async def _first_step(model: LanguageModel, messages: list[ChatMessage]) -> tuple[dict[int, float], Usage]:
    """Log probabilities of what may come first, and what the reply took."""
    steps = [
        event
        async for event in model.reply(
            messages, enable_thinking=True, sampling=GREEDY, max_new_tokens=8, top_logprobs=20
        )
    ]
    logprobs = next(step for step in steps if isinstance(step, Logprobs))
    done = steps[-1]
    assert isinstance(done, Done)
    return {token.token_id: token.logprob for token in logprobs.top}, done.usage


def _likely(logprobs: dict[int, float]) -> dict[int, float]:
    return {token_id: value for token_id, value in logprobs.items() if value > -10}


@pytest.mark.parametrize("graph", ["native", "wasm"])
def test_after_three_thinking_turns_the_next_one_is_as_from_a_fresh_prefill(
    graph: NativeGraph, bundle: Path
) -> None:
    async def compare() -> None:
        model, fresh = [await LanguageModel.load(bundle, graph=graph, threads=1) for _ in range(2)]
        chat = model.chat(enable_thinking=True)
        for question in QUESTIONS:
            async for _ in chat.send(question, sampling=GREEDY, max_new_tokens=600):
                pass
        assert all(message.get("reasoning_content") for message in chat.messages[1::2])
        messages: list[ChatMessage] = [*chat.messages, {"role": "user", "content": NEXT}]
        found, usage = await _first_step(model, messages)
        expected, whole = await _first_step(fresh, messages)
        assert whole.cached_tokens == 0
        assert 0 < usage.cached_tokens < usage.prompt_tokens
        for token_id, logprob in _likely(expected).items():
            assert found[token_id] == pytest.approx(logprob, abs=TOLERANCE)

    asyncio.run(compare())


def test_reuse_by_length_alone_would_be_seen(bundle: Path) -> None:
    async def compare() -> None:
        model, fresh = [await LanguageModel.load(bundle, threads=1) for _ in range(2)]
        chat = model.chat(enable_thinking=True)
        async for _ in chat.send(QUESTIONS[0], sampling=GREEDY, max_new_tokens=600):
            pass
        messages: list[ChatMessage] = [*chat.messages, {"role": "user", "content": NEXT}]
        await fresh.prefill(messages, enable_thinking=True)
        expected = await fresh.engine.backend.logits()
        prompt = fresh.engine.cache.token_ids
        backend = model.engine.backend
        reused = min(backend.length, len(prompt) - 1)
        backend.truncate(reused)
        await backend.prefill(prompt[reused:], reused)
        found = await backend.logits()
        assert max(abs(a - b) for a, b in zip(found, expected, strict=True)) > 20 * TOLERANCE

    asyncio.run(compare())
