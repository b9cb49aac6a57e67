"""pagelm.engine with guessed tokens: fewer steps, the same tokens, and a cache that stays right."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence

import pytest

from fakes import (
    VOCAB_SIZE,
    FailingBackend,
    PausingBackend,
    RecordingBackend,
    Stepper,
    collect,
    digest,
    in_circles,
    run,
    successor,
)
from pagelm.backend import Candidates
from pagelm.engine import Engine
from pagelm.engine_steps import Cancellation, EngineStep, Finished, Token
from pagelm.sampling_options import SamplingOptions
from pagelm.scripted import NextToken, ScriptedBackend

GREEDY = SamplingOptions(temperature=0.0)
CIRCLE = tuple(range(ord("a"), ord("i")))
PROMPT = (*CIRCLE, *CIRCLE)
NEVER = frozenset({-1})


def circling(**options: int) -> RecordingBackend:
    return RecordingBackend(in_circles, vocab_size=VOCAB_SIZE, verify_tokens=8, **options)


def generate(engine: Engine, prompt: Sequence[int] = PROMPT, **options: object) -> list[EngineStep]:
    asked: dict[str, object] = {
        "sampling": GREEDY,
        "eos_token_ids": NEVER,
        "max_new_tokens": 40,
        "prompt_lookup": True,
        **options,
    }
    return run(collect(engine.generate(prompt, **asked)))  # type: ignore[arg-type]  # a test's own


def tokens(steps: Sequence[EngineStep]) -> list[int]:
    return [step.token_id for step in steps if isinstance(step, Token)]


def finished(steps: Sequence[EngineStep]) -> Finished:
    assert isinstance(steps[-1], Finished)
    return steps[-1]


def circle(start: int, count: int) -> list[int]:
    """What `in_circles` says after the prompt, from its token number `start` on."""
    return [CIRCLE[(start + index) % len(CIRCLE)] for index in range(count)]


def test_text_that_repeats_takes_fewer_steps_and_is_the_same() -> None:
    steps = generate(Engine(circling()))
    plain = generate(Engine(circling()), prompt_lookup=False)
    assert tokens(steps) == tokens(plain) == circle(0, 40)
    assert finished(plain).steps == 39
    assert finished(steps).steps <= 8


def test_a_backend_that_cannot_verify_is_not_asked_to() -> None:
    backend = RecordingBackend(in_circles, vocab_size=VOCAB_SIZE)
    assert finished(generate(Engine(backend))).steps == 39
    assert not [call for call in backend.calls if call[0] == "verify"]


def test_a_run_has_no_more_tokens_than_the_backend_verifies() -> None:
    backend = circling()
    generate(Engine(backend))
    assert max(len(call[1]) for call in backend.calls if call[0] == "verify") == 8


def test_guesses_that_do_not_hold_cost_no_step_and_no_token() -> None:
    """Six letters that it has said before, then another one, every time."""

    def broken_circles(token_ids: Sequence[int]) -> int:
        return token_ids[-1] + 100 if len(token_ids) % 7 == 0 else CIRCLE[len(token_ids) % 7]

    def model() -> RecordingBackend:
        return RecordingBackend(broken_circles, vocab_size=VOCAB_SIZE, verify_tokens=8)

    backend = model()
    steps = generate(Engine(backend), max_new_tokens=200)
    plain = generate(Engine(model()), max_new_tokens=200, prompt_lookup=False)
    assert tokens(steps) == tokens(plain)
    assert finished(steps).steps <= finished(plain).steps
    truncations = [call for call in backend.calls if call[0] == "truncate"]
    assert len(truncations) > 1


def test_an_eos_token_among_the_guesses_ends_the_reply() -> None:
    """The prompt shows what follows: the circle is left after the second h."""
    steps = generate(Engine(circling()), (*CIRCLE, *CIRCLE, *CIRCLE), eos_token_ids={CIRCLE[5]})
    assert (tokens(steps), finished(steps).finish_reason) == (circle(0, 5), "stop")


def test_no_token_behind_an_eos_token_is_run() -> None:
    backend = circling()
    generate(Engine(backend), eos_token_ids={CIRCLE[5]})
    verified = [token for call in backend.calls if call[0] == "verify" for token in call[1]]
    assert verified
    assert CIRCLE[5] not in verified


@pytest.mark.parametrize("limit", [1, 2, 3, 7, 20])
def test_the_limit_holds_inside_a_draft(limit: int) -> None:
    backend = circling()
    engine = Engine(backend)
    steps = generate(engine, max_new_tokens=limit)
    assert (tokens(steps), finished(steps).finish_reason) == (circle(0, limit), "length")
    assert backend.length == len(PROMPT) + limit - 1


def test_the_end_of_the_context_holds_inside_a_draft() -> None:
    engine = Engine(circling(max_positions=len(PROMPT) + 21))
    steps = generate(engine, max_new_tokens=None)
    assert (tokens(steps), finished(steps).finish_reason) == (circle(0, 21), "length")


def test_the_cache_holds_what_was_said_and_nothing_guessed() -> None:
    for limit in range(1, 30):
        engine = Engine(circling())
        said = tokens(generate(engine, max_new_tokens=limit, eos_token_ids={CIRCLE[7]}))
        held = engine.cache.token_ids
        assert held == (*PROMPT, *said)[: len(held)]
        assert engine.backend.length == len(held)


def cancelled_after(count: int) -> tuple[list[int], str, Engine]:
    engine = Engine(circling())

    async def consume() -> list[EngineStep]:
        cancellation = Cancellation()
        steps: list[EngineStep] = []
        async for step in engine.generate(
            PROMPT, sampling=GREEDY, eos_token_ids=NEVER, cancellation=cancellation, prompt_lookup=True
        ):
            steps.append(step)
            if len(tokens(steps)) == count:
                cancellation.cancel()
        return steps

    steps = run(consume())
    return tokens(steps), finished(steps).finish_reason, engine


@pytest.mark.parametrize("count", range(1, 24))
def test_a_cancel_is_heard_between_two_guessed_tokens(count: int) -> None:
    said, reason, engine = cancelled_after(count)
    assert (said, reason) == (circle(0, count), "abort")
    assert engine.cache.token_ids == (*PROMPT, *said)[: len(engine.cache)]


def test_a_cancel_while_the_backend_verifies_yields_no_further_token() -> None:
    cancellation = Cancellation()
    backend = PausingBackend(in_circles, vocab_size=VOCAB_SIZE, verify_tokens=8)
    steps: list[EngineStep] = []

    async def consume() -> None:
        async for step in Engine(backend).generate(
            PROMPT, sampling=GREEDY, eos_token_ids=NEVER, cancellation=cancellation, prompt_lookup=True
        ):
            steps.append(step)

    task = Stepper(consume())
    while not backend.calls or backend.calls[-1][0] != "verify":
        task.step()
    before = tokens(steps)
    cancellation.cancel()
    task.finish()
    assert tokens(steps) == before == circle(0, len(before))
    assert finished(steps).finish_reason == "abort"


@pytest.mark.parametrize("keeps", [False, True])
@pytest.mark.parametrize("fails_at", [1, 2, 3, 4, 5, 6])
def test_the_cache_is_right_after_a_failure(fails_at: int, keeps: bool) -> None:
    backend = FailingBackend(
        in_circles, fails_at=fails_at, keeps=keeps, vocab_size=VOCAB_SIZE, verify_tokens=8
    )
    engine = Engine(backend)
    with pytest.raises(RuntimeError, match="device lost"):
        generate(engine)
    assert tokens(generate(engine)) == circle(0, 40)
    assert tokens(generate(engine, (*PROMPT, *circle(0, 9)))) == circle(9, 40)


@pytest.mark.parametrize("count", range(1, 20))
def test_an_abandoned_generation_leaves_nothing_guessed_to_the_next(count: int) -> None:
    engine = Engine(circling())

    async def take_over() -> tuple[list[EngineStep], list[EngineStep]]:
        older = engine.generate(PROMPT, sampling=GREEDY, eos_token_ids=NEVER, prompt_lookup=True)
        for _ in range(count):
            await anext(older)
        newer = await collect(
            engine.generate((*PROMPT, 3, 1), sampling=GREEDY, eos_token_ids=NEVER, max_new_tokens=4)
        )
        held = engine.cache.token_ids
        rest = await collect(older)
        assert engine.cache.token_ids == held
        assert engine.backend.length == len(held)
        return newer, rest

    newer, rest = run(take_over())
    fresh = Engine(circling())
    assert tokens(newer) == tokens(generate(fresh, (*PROMPT, 3, 1), max_new_tokens=4))
    assert (tokens(rest), finished(rest).finish_reason) == ([], "abort")


class Interjecting:
    """Says three tokens of its own after the model's fifth."""

    TOKENS = (7, ord("c"), ord("d"))

    def __init__(self) -> None:
        self._calls = 0

    def __call__(self) -> Sequence[int]:
        self._calls += 1
        return self.TOKENS if self._calls == 5 else ()


def test_what_is_interjected_takes_the_place_of_what_was_guessed() -> None:
    backend = circling()
    engine = Engine(backend)
    said = tokens(generate(engine, interject=Interjecting()))
    assert said == tokens(generate(Engine(circling()), interject=Interjecting(), prompt_lookup=False))
    assert said[5:8] == list(Interjecting.TOKENS)
    assert engine.cache.token_ids == (*PROMPT, *said)[: len(engine.cache)]


def test_what_is_interjected_and_was_guessed_does_not_run_again() -> None:
    backend = circling()
    said = circle(0, 40)
    asked = iter(range(100))

    def as_guessed() -> Sequence[int]:
        place = next(asked)
        return said[place + 1 : place + 3] if place == 9 else ()

    assert tokens(generate(Engine(backend), interject=as_guessed))[:20] == said[:20]
    read = [token for call in backend.calls if call[0] == "prefill" for token in call[1]]
    assert read == list(PROMPT)


class OnlyLetters:
    """A constraint that lists nothing: whether tokens may come is asked one by one."""

    free = False

    def __init__(self, allowed: Collection[int], ends_after: int) -> None:
        self._allowed = allowed
        self._left = ends_after

    @property
    def finished(self) -> bool:
        return self._left == 0

    @property
    def only(self) -> int | None:
        return None

    def allows(self, token_id: int) -> bool:
        return token_id in self._allowed

    def listed(self) -> Sequence[int] | None:
        return None

    def forced(self) -> Sequence[int]:
        return ()

    def accept(self, token_id: int) -> None:
        assert token_id in self._allowed
        self._left -= 1


def test_a_constraint_hears_of_every_token_and_may_end_the_reply_inside_a_draft() -> None:
    engine = Engine(circling())
    steps = generate(engine, constraint=OnlyLetters(CIRCLE, ends_after=21))
    assert (tokens(steps), finished(steps).finish_reason) == (circle(0, 21), "stop")
    assert engine.cache.token_ids == (*PROMPT, *circle(0, 20))[: len(engine.cache)]


def test_penalties_count_the_tokens_that_were_guessed() -> None:
    options = SamplingOptions(temperature=0.0, frequency_penalty=1.0)
    steps = generate(Engine(circling()), sampling=options, max_new_tokens=400)
    plain = generate(Engine(circling()), sampling=options, max_new_tokens=400, prompt_lookup=False)
    assert tokens(steps) == tokens(plain)
    assert len(set(tokens(steps))) > len(CIRCLE)
    assert finished(steps).steps < finished(plain).steps


@pytest.mark.parametrize(
    "options",
    [{"sampling": SamplingOptions(temperature=1.0, top_k=0, seed=3)}, {"top_logprobs": 2}],
    ids=["top_k", "log probabilities"],
)
def test_what_takes_all_logits_of_each_token_goes_without_guesses(options: dict[str, object]) -> None:
    backend = circling()
    steps = generate(Engine(backend), **options)
    assert finished(steps).steps == 39
    assert not [call for call in backend.calls if call[0] == "verify"]


class Undecided(RecordingBackend):
    """Candidates that are too few where the penalty has taken them all: then all logits are asked for."""

    def __init__(self, next_token: NextToken) -> None:
        super().__init__(next_token, vocab_size=VOCAB_SIZE, candidates=2, verify_tokens=8)


def test_all_logits_are_those_of_the_token_that_asks_for_them() -> None:
    options = SamplingOptions(temperature=0.0, frequency_penalty=3.0)
    backend = Undecided(in_circles)
    steps = generate(Engine(backend), sampling=options, max_new_tokens=120)
    plain = generate(Engine(Undecided(in_circles)), sampling=options, max_new_tokens=120, prompt_lookup=False)
    assert tokens(steps) == tokens(plain)
    calls = [call[0] for call in backend.calls]
    assert "logits" in calls
    assert "verify" in calls


@pytest.mark.parametrize("model", [in_circles, successor, digest])
@pytest.mark.parametrize("seed", range(5))
def test_draws_from_one_seed_are_the_same(model: Callable[[Sequence[int]], int], seed: int) -> None:
    class Flat(ScriptedBackend):
        """Of two tokens that are nearly as likely."""

        def _append(self, input_ids: Sequence[int]) -> Candidates:
            candidates = super()._append(input_ids)
            return Candidates([16.0, 14.0, *candidates.values[2:]], candidates.ids)

    def engine() -> Engine:
        return Engine(Flat(model, vocab_size=VOCAB_SIZE, verify_tokens=8))

    options = SamplingOptions(temperature=1.0, top_k=8, seed=seed)
    steps = generate(engine(), sampling=options, max_new_tokens=150)
    assert tokens(steps) == tokens(
        generate(engine(), sampling=options, max_new_tokens=150, prompt_lookup=False)
    )
