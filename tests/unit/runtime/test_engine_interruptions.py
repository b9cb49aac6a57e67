"""pagelm.engine cancelled, failed, abandoned: the cache is right after it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Sequence

import pytest

from engine_runs import GREEDY, NEVER, counting, generate, prefilled, reason, tokens
from fakes import (
    VOCAB_SIZE,
    FailingBackend,
    PausingBackend,
    RecordingBackend,
    Stepper,
    collect,
    digest,
    run,
    successor,
)
from pagelm.backend import Candidates
from pagelm.engine import Engine
from pagelm.engine_steps import Cancellation, EngineStep, Finished
from pagelm.errors import BusyError
from pagelm.scripted import ScriptedBackend
from pagelm.stopwatch import Stopwatch


class WorkingBackend(RecordingBackend):
    """Tells when it works."""

    def __init__(self) -> None:
        super().__init__(successor, vocab_size=VOCAB_SIZE)
        self.work: Callable[[], None] = lambda: None

    async def prefill(self, input_ids: Sequence[int], position: int) -> Candidates:
        self.work()
        return await super().prefill(input_ids, position)

    async def decode(self, token_id: int) -> Candidates:
        self.work()
        return await super().decode(token_id)


def test_cancel_between_tokens_aborts_before_the_next_is_run() -> None:
    backend = counting()

    async def two_tokens() -> list[EngineStep]:
        cancellation = Cancellation()
        steps: list[EngineStep] = []
        async for step in Engine(backend).generate(
            [1], sampling=GREEDY, eos_token_ids=NEVER, cancellation=cancellation
        ):
            steps.append(step)
            if len(tokens(steps)) == 2:
                cancellation.cancel()
        return steps

    steps = run(two_tokens())
    assert (tokens(steps), reason(steps)) == ([2, 3], "abort")
    assert ("decode", 3) not in backend.calls


def test_cancel_while_the_backend_works_yields_no_further_token() -> None:
    cancellation = Cancellation()
    steps: list[EngineStep] = []

    async def consume() -> None:
        async for step in Engine(PausingBackend(successor)).generate(
            [1], sampling=GREEDY, eos_token_ids=NEVER, cancellation=cancellation
        ):
            steps.append(step)

    task = Stepper(consume())
    task.step()  # in prefill
    task.step()  # token 2 yielded; in decode of it
    cancellation.cancel()
    task.finish()
    assert (tokens(steps), reason(steps)) == ([2], "abort")


def test_cancel_during_prefill_stops_after_the_running_chunk() -> None:
    cancellation = Cancellation()
    backend = PausingBackend(successor, vocab_size=VOCAB_SIZE)
    engine = Engine(backend, prefill_chunk_tokens=2)
    steps: list[EngineStep] = []

    async def consume() -> None:
        async for step in engine.generate(
            range(10), sampling=GREEDY, eos_token_ids=NEVER, cancellation=cancellation
        ):
            steps.append(step)

    task = Stepper(consume())
    task.step()
    task.step()  # in the second chunk
    cancellation.cancel()
    task.finish()
    assert reason(steps) == "abort"
    assert prefilled(steps).prompt_tokens == 4  # no more has been read
    assert backend.prefilled() == [0, 1, 2, 3]
    assert engine.cache.token_ids == (0, 1, 2, 3)


def test_the_readers_own_time_is_not_the_models(monkeypatch: pytest.MonkeyPatch) -> None:
    now = 0.0
    monkeypatch.setattr("pagelm.engine.Stopwatch", lambda: Stopwatch(lambda: now))
    slow = WorkingBackend()

    async def read_slowly() -> list[EngineStep]:
        nonlocal now
        steps = []
        async for step in Engine(slow, prefill_chunk_tokens=1).generate(
            range(3), sampling=GREEDY, eos_token_ids=NEVER, max_new_tokens=3
        ):
            steps.append(step)
            now += 60.0
        return steps

    def work() -> None:
        nonlocal now
        now += 0.5

    slow.work = work
    steps = run(read_slowly())
    assert prefilled(steps).prefill_ms == 3 * 500
    assert isinstance(steps[-1], Finished)
    assert steps[-1].decode_ms == 2 * 500  # the last token is not run


def test_a_cancellation_set_beforehand_runs_nothing() -> None:
    cancellation = Cancellation()
    cancellation.cancel()
    backend = counting()
    steps = generate(Engine(backend), [1, 2], cancellation=cancellation)
    assert (reason(steps), backend.prefilled()) == ("abort", [])


def test_the_cache_is_right_after_an_abort() -> None:
    engine = Engine(ScriptedBackend(digest, vocab_size=VOCAB_SIZE))

    async def abandon() -> list[int]:
        steps = engine.generate([1, 2, 3], sampling=GREEDY, eos_token_ids=NEVER)
        seen = [step async for step in _first(steps, 4)]
        await steps.aclose()
        return tokens(seen)

    said = run(abandon())
    fresh = Engine(ScriptedBackend(digest, vocab_size=VOCAB_SIZE))
    prompt = [1, 2, 3, *said, 77]
    assert tokens(generate(engine, prompt)) == tokens(generate(fresh, prompt))


@pytest.mark.parametrize("keeps", [False, True])
@pytest.mark.parametrize("fails_at", [1, 2, 3, 4])
def test_the_cache_is_right_after_a_failure(fails_at: int, keeps: bool) -> None:
    engine = Engine(
        FailingBackend(digest, fails_at=fails_at, keeps=keeps, vocab_size=VOCAB_SIZE), prefill_chunk_tokens=2
    )
    with pytest.raises(RuntimeError, match="device lost"):
        generate(engine, [1, 2, 3, 4], limit=5)
    fresh = Engine(ScriptedBackend(digest, vocab_size=VOCAB_SIZE))
    for prompt in ([1, 2, 3, 4], [1, 2, 3, 4, 5, 6]):
        assert tokens(generate(engine, prompt)) == tokens(generate(fresh, prompt))


def test_an_abandoned_generation_does_not_block_the_next() -> None:
    engine = Engine(ScriptedBackend(digest, vocab_size=VOCAB_SIZE))
    fresh = Engine(ScriptedBackend(digest, vocab_size=VOCAB_SIZE))

    async def take_over() -> tuple[list[EngineStep], list[EngineStep]]:
        older = engine.generate([1, 2, 3], sampling=GREEDY, eos_token_ids=NEVER)
        [step async for step in _first(older, 3)]
        newer = await collect(engine.generate([1, 9], sampling=GREEDY, eos_token_ids=NEVER, max_new_tokens=4))
        held = engine.cache.token_ids
        rest_of_older = await collect(older)
        assert engine.cache.token_ids == held
        assert engine.backend.length == len(held)
        return newer, rest_of_older

    newer, rest_of_older = run(take_over())
    assert tokens(newer) == tokens(generate(fresh, [1, 9], limit=4))
    assert (tokens(rest_of_older), reason(rest_of_older)) == ([], "abort")


def test_what_the_backend_lost_is_run_again() -> None:
    backend = counting()
    engine = Engine(backend)
    generate(engine, [1, 2, 3])
    backend.truncate(1)  # as after a device was lost and made again
    backend.calls.clear()
    generate(engine, [1, 2, 3, 4])
    assert backend.prefilled() == [2, 3, 4]


def test_a_generation_inside_the_backend_keeps_others_out() -> None:
    engine = Engine(PausingBackend(successor))
    first = Stepper(collect(engine.generate([1], sampling=GREEDY, eos_token_ids=NEVER, max_new_tokens=2)))
    first.step()
    with pytest.raises(BusyError):
        generate(engine, [5])
    first.finish()
    assert engine.cache.token_ids == (1, 2)


async def _first(steps: AsyncIterator[EngineStep], count: int) -> AsyncIterator[EngineStep]:
    """The first items of an async iterator, which stays open."""
    for _ in range(count):
        yield await anext(steps)
