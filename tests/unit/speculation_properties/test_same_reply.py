"""For any model, options and interruptions: replies are the same with guesses and without."""

from __future__ import annotations

from collections.abc import Sequence

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from fakes import VOCAB_SIZE, collect, digest, model_on, run
from pagelm.answers import Answer
from pagelm.backend import Candidates
from pagelm.engine import Engine
from pagelm.engine_steps import Cancellation, Finished, Token
from pagelm.sampling_options import SamplingOptions
from pagelm.scripted import ScriptedBackend

patient = settings(deadline=None, max_examples=150, suppress_health_check=[HealthCheck.too_slow])
END = 9


class Rambling(ScriptedBackend):
    """Two tokens in question at each place, of few different ones; depends on the last `memory` tokens."""

    def __init__(self, memory: int, verify_tokens: int, candidates: int) -> None:
        self._memory = memory
        super().__init__(
            self._after, vocab_size=VOCAB_SIZE, verify_tokens=verify_tokens, candidates=candidates
        )

    def _after(self, token_ids: Sequence[int]) -> int:
        return digest(token_ids[-self._memory :]) % 10

    def _append(self, input_ids: Sequence[int]) -> Candidates:
        candidates = super()._append(input_ids)
        return Candidates([16.0, 15.0, *candidates.values[2:]][: len(candidates.ids)], candidates.ids)


options = st.builds(
    SamplingOptions,
    temperature=st.sampled_from([0.0, 0.5, 1.0]),
    top_k=st.sampled_from([0, 1, 3, 40]),
    seed=st.integers(0, 9),
    presence_penalty=st.sampled_from([0.0, 0.0, 2.0]),
    repetition_penalty=st.sampled_from([1.0, 1.0, 1.5]),
)


async def reply(
    engine: Engine,
    prompt: Sequence[int],
    sampling: SamplingOptions,
    limit: int,
    cancel_after: int,
    interjected: Sequence[tuple[int, ...]],
    prompt_lookup: bool,
) -> tuple[list[int], str, int]:
    cancellation = Cancellation()
    said: list[int] = []
    pieces = iter(interjected)
    steps = engine.generate(
        prompt,
        sampling=sampling,
        eos_token_ids={END},
        max_new_tokens=limit,
        cancellation=cancellation,
        interject=lambda: next(pieces, ()),
        prompt_lookup=prompt_lookup,
    )
    async for step in steps:
        match step:
            case Token(token_id):
                said.append(token_id)
                if len(said) == cancel_after:
                    cancellation.cancel()
            case Finished(finish_reason, _, count):
                return said, finish_reason, count
    raise AssertionError("no end")


@patient
@given(
    prompt=st.lists(st.integers(0, 8), min_size=1, max_size=40),
    sampling=options,
    memory=st.integers(1, 4),
    verify_tokens=st.integers(2, 16),
    candidates=st.sampled_from([2, 4, 64]),
    limit=st.integers(5, 120),
    cancel_after=st.integers(0, 60),
    interjected=st.lists(st.lists(st.integers(0, 8), max_size=3).map(tuple), max_size=20),
)
def test_a_reply_is_the_same_with_guesses_and_without(
    prompt: list[int],
    sampling: SamplingOptions,
    memory: int,
    verify_tokens: int,
    candidates: int,
    limit: int,
    cancel_after: int,
    interjected: list[tuple[int, ...]],
) -> None:
    guessing = Engine(Rambling(memory, verify_tokens, candidates))
    plain = Engine(Rambling(memory, 0, candidates))
    for question in (prompt, [*prompt, 3, 1]):
        found = run(reply(guessing, question, sampling, limit, cancel_after, interjected, True))
        expected = run(reply(plain, question, sampling, limit, cancel_after, interjected, True))
        assert found[:2] == expected[:2]
        held = guessing.cache.token_ids
        assert held == (*question, *found[0])[: len(held)]
        assert guessing.backend.length == len(held)


def what_was_said(answers: Sequence[Answer]) -> list[tuple[str, str, str, int, int]]:
    """Of each answer, all but times and steps."""
    return [
        (answer.text, answer.reasoning, answer.finish_reason, answer.usage.seed, answer.usage.context_used)
        for answer in answers
    ]


@patient
@given(
    sampling=options,
    memory=st.integers(1, 4),
    verify_tokens=st.integers(2, 16),
    n=st.integers(1, 4),
    limit=st.integers(5, 60),
    enable_thinking=st.booleans(),
)
def test_several_answers_are_the_same_with_guesses_and_without(
    sampling: SamplingOptions, memory: int, verify_tokens: int, n: int, limit: int, enable_thinking: bool
) -> None:
    model = model_on(Rambling(memory, verify_tokens, candidates=64))
    chat = model.chat(enable_thinking=enable_thinking)
    for answers in (chat.answers, model.completions):
        plain, guessed = (
            run(collect(answers("a b a b", n, sampling=sampling, max_new_tokens=limit, prompt_lookup=wanted)))
            for wanted in (False, True)
        )
        assert what_was_said(guessed) == what_was_said(plain)
