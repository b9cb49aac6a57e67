"""Several answers to one prompt: those of separate sends, the prompt read once, none kept unasked."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from fakes import VOCAB_SIZE, RecordingBackend, collect, digest, in_circles, model_on, run, scripted
from pagelm.answers import Answer, ChatAnswer
from pagelm.chat import Chat
from pagelm.engine_steps import Cancellation
from pagelm.errors import AnswerError, SamplingError
from pagelm.events import Done, ReasoningDelta, TextDelta
from pagelm.sampling_options import MAX_SEED, SamplingOptions

# hot enough that seeds differ, although one logit is 16 and all others are 0
HOT = SamplingOptions(seed=5, temperature=8.0, top_k=64, top_p=1.0)
QUESTION = "What is said?"


def chat_on(backend: RecordingBackend) -> Chat:
    return model_on(backend).chat("Be brief.", enable_thinking=False)


def saying_anything() -> RecordingBackend:
    return RecordingBackend(digest, vocab_size=VOCAB_SIZE)


def answers(chat: Chat, n: int = 4, **options: Any) -> list[ChatAnswer]:
    return run(collect(chat.answers(QUESTION, n, **{"sampling": HOT, "max_new_tokens": 12, **options})))


def test_they_are_those_of_separate_sends_with_these_seeds() -> None:
    given = answers(chat_on(saying_anything()))
    for seed, answer in zip((5, 6, 7, 8), given, strict=True):
        events = run(
            collect(
                chat_on(saying_anything()).send(QUESTION, sampling=replace(HOT, seed=seed), max_new_tokens=12)
            )
        )
        assert answer.text == "".join(event.text for event in events if isinstance(event, TextDelta))
        assert answer.reasoning == "".join(
            event.text for event in events if isinstance(event, ReasoningDelta)
        )
        done = events[-1]
        assert isinstance(done, Done)
        assert (answer.usage.seed, answer.finish_reason) == (seed, done.finish_reason)
    assert len({answer.text for answer in given}) == 4


def test_the_prompt_is_read_once() -> None:
    backend = saying_anything()
    chat = chat_on(backend)
    usages = [answer.usage for answer in answers(chat)]
    prompt = chat.count_tokens(QUESTION)
    assert [usage.cached_tokens for usage in usages] == [0, *[prompt - 1] * 3]
    assert len(backend.prefilled()) == prompt + 3  # the last token of a prompt gives the first of its answer


def test_without_a_seed_they_come_from_a_fresh_one_and_those_after_it() -> None:
    given = answers(chat_on(saying_anything()), 3, sampling=replace(HOT, seed=None))
    first = given[0].usage.seed
    assert [answer.usage.seed for answer in given] == [first, first + 1, first + 2]


def test_without_options_they_are_the_bundles_own_for_the_mode() -> None:
    model = model_on(saying_anything())
    assert model.default_sampling() == model.manifest.generation.thinking
    switched_off = [{"role": "user", "content": "What? /no_think"}]
    assert model.default_sampling(switched_off) == model.manifest.generation.non_thinking
    chat = model_on(scripted("4.", "5.")).chat(enable_thinking=False)
    assert [answer.text for answer in run(collect(chat.answers(QUESTION, 2)))] == ["4.", "5."]


def test_reasoning_and_answer_are_apart() -> None:
    chat = model_on(scripted("<think>\nhm\n</think>\n\n4.")).chat()
    (answer,) = run(collect(chat.answers(QUESTION, 1)))
    assert (answer.reasoning, answer.text) == ("hm", "4.")


def test_a_chat_has_none_until_one_is_kept() -> None:
    backend = saying_anything()
    chat = chat_on(backend)
    before = chat.messages
    given = answers(chat)
    assert chat.messages == before
    chat.keep(given[2])
    assert chat.messages[-2:] == [
        {"role": "user", "content": QUESTION},
        {"role": "assistant", "content": given[2].text},
    ]
    given[2].chat._turns.clear()
    assert len(chat.messages) == 3


def test_an_answer_that_comes_too_late_is_refused() -> None:
    chat = chat_on(saying_anything())
    given = answers(chat)
    chat.keep(given[0])
    with pytest.raises(AnswerError, match="no answer to the last question"):
        chat.keep(given[1])
    assert chat.messages[-1]["content"] == given[0].text


def test_an_empty_answer_is_not_kept() -> None:
    chat = model_on(scripted("")).chat(enable_thinking=False)
    (answer,) = run(collect(chat.answers(QUESTION, 1)))
    with pytest.raises(AnswerError, match="the answer is empty"):
        chat.keep(answer)


def test_what_is_said_between_two_answers_changes_neither() -> None:
    chat = model_on(scripted("4.", "other", "5.")).chat(enable_thinking=False)

    async def interrupted() -> list[ChatAnswer]:
        given = []
        async for answer in chat.answers(QUESTION, 2):
            given.append(answer)
            if len(given) == 1:
                await collect(chat.send("Another question?"))
        return given

    given = run(interrupted())
    assert [answer.chat.messages[0]["content"] for answer in given] == [QUESTION, QUESTION]
    assert given[1].text == "5."


def test_a_cancellation_ends_them_all() -> None:
    cancellation = Cancellation()
    cancellation.cancel()
    (answer,) = answers(chat_on(saying_anything()), cancellation=cancellation)
    assert answer.finish_reason == "abort"


@pytest.mark.parametrize(
    ("n", "seed", "problem"), [(0, 1, "n is 0"), (2, MAX_SEED, "the last of 2 seeds"), (-1, None, "n is -1")]
)
def test_what_cannot_be_is_refused_and_nothing_runs(n: int, seed: int | None, problem: str) -> None:
    backend = saying_anything()
    with pytest.raises(SamplingError, match=problem):
        answers(chat_on(backend), n, sampling=replace(HOT, seed=seed))
    assert backend.calls == []


def test_a_text_goes_on_in_several_ways_from_one_prefill() -> None:
    backend = saying_anything()
    model = model_on(backend)
    given = run(collect(model.completions("abc", 3, sampling=HOT, max_new_tokens=6)))
    for seed, answer in zip((5, 6, 7), given, strict=True):
        events = run(collect(model.generate("abc", sampling=replace(HOT, seed=seed), max_new_tokens=6)))
        assert answer.text == "".join(event.text for event in events if isinstance(event, TextDelta))
    assert isinstance(given[0], Answer)
    assert [answer.usage.cached_tokens for answer in given] == [0, 2, 2]


@pytest.mark.parametrize("kind", ["chat", "text"])
def test_guessed_tokens_take_fewer_runs_and_change_no_answer(kind: str) -> None:
    model = model_on(RecordingBackend(in_circles, vocab_size=VOCAB_SIZE, verify_tokens=8))
    ask = model.chat(enable_thinking=False).answers if kind == "chat" else model.completions
    options: dict[str, Any] = {"sampling": SamplingOptions(temperature=0.0), "max_new_tokens": 40}
    plain = run(collect(ask("abcdefgh", 2, **options)))
    guessed = run(collect(ask("abcdefgh", 2, prompt_lookup=True, **options)))
    assert [answer.text for answer in guessed] == [answer.text for answer in plain]
    assert [answer.usage.steps for answer in plain] == [39, 39]
    assert max(answer.usage.steps for answer in guessed) < 20
