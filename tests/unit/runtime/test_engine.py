"""pagelm.engine: prefix reuse, stopping, and a cache that stays right whatever happens."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from engine_runs import GREEDY, NEVER, counting, generate, prefilled, reason, tokens
from fakes import (
    VOCAB_SIZE,
    RecordingBackend,
    collect,
    digest,
    run,
    successor,
)
from pagelm.backend import Candidates
from pagelm.engine import Engine
from pagelm.engine_steps import Finished, Prefilled, Token
from pagelm.errors import ContextOverflowError, SamplingError
from pagelm.sampling_options import SamplingOptions
from pagelm.scripted import ScriptedBackend


def test_steps_are_prefilled_then_tokens_then_finished() -> None:
    steps = generate(Engine(counting()), [1, 2])
    assert [type(step) for step in steps] == [Prefilled, Token, Token, Token, Finished]


def test_tokens_are_what_the_model_says_next() -> None:
    assert tokens(generate(Engine(counting()), [1, 2])) == [3, 4, 5]


def test_an_eos_token_stops_and_is_not_yielded() -> None:
    steps = generate(Engine(counting()), [1, 2], eos=[5], limit=None)
    assert (tokens(steps), reason(steps)) == ([3, 4], "stop")


def test_max_new_tokens_ends_with_length() -> None:
    steps = generate(Engine(counting()), [1, 2], limit=2)
    assert (tokens(steps), reason(steps)) == ([3, 4], "length")


def test_the_token_at_the_limit_is_not_run() -> None:
    backend = counting()
    generate(Engine(backend), [1, 2], limit=2)
    assert backend.length == 3


def test_the_end_of_the_context_ends_with_length() -> None:
    steps = generate(Engine(counting(max_positions=6)), [1, 2], limit=None)
    assert (tokens(steps), reason(steps)) == ([3, 4, 5, 6], "length")


def test_a_prompt_beyond_the_context_is_refused_before_any_work() -> None:
    backend = counting(max_positions=4)
    with pytest.raises(ContextOverflowError):
        generate(Engine(backend), [1, 2, 3, 4])
    assert backend.calls == []


def test_max_new_tokens_below_one_is_refused() -> None:
    with pytest.raises(SamplingError, match="max_new_tokens is 0"):
        generate(Engine(counting()), [1], limit=0)


def test_prefill_runs_in_chunks() -> None:
    backend = counting()
    run(
        collect(
            Engine(backend, prefill_chunk_tokens=4).generate(
                range(10), sampling=GREEDY, eos_token_ids=NEVER, max_new_tokens=1
            )
        )
    )
    assert backend.calls == [
        ("truncate", 0),
        ("prefill", (0, 1, 2, 3)),
        ("prefill", (4, 5, 6, 7)),
        ("prefill", (8, 9)),
    ]


def test_the_next_turn_runs_only_what_is_new() -> None:
    backend = counting()
    engine = Engine(backend)
    generate(engine, [1, 2], limit=3)  # 3 4 5; 5 itself is not in the cache
    backend.calls.clear()
    steps = generate(engine, [1, 2, 3, 4, 5, 100])
    assert backend.prefilled() == [5, 100]
    assert (prefilled(steps).prompt_tokens, prefilled(steps).cached_tokens) == (6, 4)


def test_a_turn_that_differs_early_truncates_to_the_difference() -> None:
    backend = counting()
    engine = Engine(backend)
    generate(engine, [1, 2, 3, 4])
    backend.calls.clear()
    generate(engine, [1, 2, 50, 60])
    assert backend.calls[:2] == [("truncate", 2), ("prefill", (50, 60))]


def test_the_same_prompt_again_runs_one_token() -> None:
    backend = counting()
    engine = Engine(backend)
    first = generate(engine, [1, 2, 3])
    backend.calls.clear()
    assert tokens(generate(engine, [1, 2, 3])) == tokens(first)
    assert backend.prefilled() == [3]


def test_reuse_never_changes_what_is_said() -> None:
    """Against a fresh engine each time, on a model that depends on every token before."""
    engine = Engine(ScriptedBackend(digest, vocab_size=VOCAB_SIZE))
    for prompt in ([1, 2, 3], [1, 2, 3, 4, 5], [1, 2], [9], [1, 2, 3, 4, 9, 9, 9], [1, 2, 3, 4, 9]):
        fresh = Engine(ScriptedBackend(digest, vocab_size=VOCAB_SIZE))
        assert tokens(generate(engine, prompt, limit=7)) == tokens(generate(fresh, prompt, limit=7))


def test_the_cache_names_what_the_backend_holds() -> None:
    backend = counting()
    engine = Engine(backend)
    generate(engine, [1, 2], limit=3)
    assert engine.cache.token_ids == (1, 2, 3, 4)
    assert backend.length == 4


def test_a_top_k_within_the_candidates_never_asks_for_all_logits() -> None:
    backend = counting()
    generate(Engine(backend), [1], sampling=SamplingOptions(temperature=1.0, top_k=64, seed=1))
    assert ("logits",) not in backend.calls


@pytest.mark.parametrize("top_k", [0, 65])
def test_a_top_k_beyond_the_candidates_asks_for_all_logits(top_k: int) -> None:
    backend = counting()
    steps = generate(Engine(backend), [1], sampling=SamplingOptions(temperature=0.1, top_k=top_k, seed=1))
    assert backend.calls.count(("logits",)) == len(tokens(steps)) == 3


def test_all_logits_reach_tokens_that_are_no_candidates() -> None:
    class Uniform(ScriptedBackend):
        async def logits(self) -> Sequence[float]:
            return [0.0] * self.capabilities.vocab_size

        async def prefill(self, input_ids: Sequence[int], position: int) -> Candidates:
            candidates = await super().prefill(input_ids, position)
            return Candidates([0.0] * len(candidates.ids), sorted(candidates.ids))

    engine = Engine(Uniform(successor, vocab_size=VOCAB_SIZE, candidates=8))
    options = [SamplingOptions(temperature=1.0, top_k=0, top_p=1.0, seed=seed) for seed in range(40)]
    said = {tokens(generate(engine, [1], limit=1, sampling=option))[0] for option in options}
    assert max(said) >= 8


def test_penalties_that_exhaust_the_candidates_ask_for_all_logits() -> None:
    """All logits but one are equal: after it come the lowest ids, of which only the first is a candidate."""
    backend = RecordingBackend(lambda _: 9, vocab_size=VOCAB_SIZE, candidates=2)
    options = SamplingOptions(temperature=0.0, presence_penalty=100.0)
    steps = generate(Engine(backend), [1], sampling=options)
    assert tokens(steps) == [9, 0, 1]
    assert backend.calls.count(("logits",)) == 1


def test_a_bias_for_a_token_that_there_is_not_is_refused() -> None:
    backend = counting()
    greedy = SamplingOptions(temperature=0, logit_bias={VOCAB_SIZE: 1.0})
    with pytest.raises(SamplingError, match=rf"logit_bias has token {VOCAB_SIZE} .*below {VOCAB_SIZE}"):
        generate(Engine(backend), [1, 2], sampling=greedy)
    assert backend.length == 0


def test_repetition_penalty_counts_the_prompt() -> None:
    backend = RecordingBackend(lambda _: 9, vocab_size=VOCAB_SIZE)
    options = SamplingOptions(temperature=0.0, repetition_penalty=100.0, logit_bias={3: 5.0})
    assert tokens(generate(Engine(backend), [9], limit=1, sampling=options)) == [3]


def test_the_seed_that_was_used_is_told() -> None:
    steps = generate(Engine(counting()), [1], sampling=SamplingOptions(seed=42))
    assert prefilled(steps).seed == 42


def test_what_was_said_before_is_run_in_pieces_and_not_chosen() -> None:
    backend = counting()
    engine = Engine(backend, prefill_chunk_tokens=2)
    steps = run(
        collect(engine.generate([10], sampling=GREEDY, eos_token_ids=(), max_new_tokens=5, said=[50, 60, 70]))
    )
    assert [(step.token_id, step.replayed) for step in steps if isinstance(step, Token)] == [
        (50, True),
        (60, True),
        (70, True),
        (71, False),
        (72, False),
    ]
    assert [call for call in backend.calls if call[0] != "truncate"] == [
        ("prefill", (10,)),
        ("prefill", (50, 60)),
        ("prefill", (70,)),
        ("decode", 71),
    ]
    assert engine.cache.token_ids == (10, 50, 60, 70, 71)


def test_a_reply_that_had_said_all_it_may_ends_without_a_run() -> None:
    backend = counting()
    steps = run(
        collect(
            Engine(backend).generate([10], sampling=GREEDY, eos_token_ids=(), max_new_tokens=2, said=[11, 12])
        )
    )
    assert isinstance(steps[-1], Finished)
    assert steps[-1].finish_reason == "length"
    assert backend.prefilled() == [10]


def test_said_tokens_where_others_have_to_come_are_refused() -> None:
    forced = iter([[99]])
    steps = Engine(counting()).generate(
        [10],
        sampling=GREEDY,
        eos_token_ids=(),
        said=[11, 12],
        interject=lambda: next(forced, []),
    )
    with pytest.raises(SamplingError, match=r"token 12 \(expected token 99"):
        run(collect(steps))
