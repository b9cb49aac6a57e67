"""pagelm.scripted beyond the contract (tests/contract): whose reply is played when."""

from __future__ import annotations

import pytest

from fakes import run, successor
from pagelm.errors import BackendError
from pagelm.scripted import ScriptedBackend


def first_id(backend: ScriptedBackend, *token_ids: int) -> int:
    return run(backend.prefill(token_ids, backend.length)).ids[0]


def test_a_function_of_the_tokens_decides() -> None:
    assert first_id(ScriptedBackend(successor), 1, 2, 7) == 8


def test_a_reply_is_played_token_by_token() -> None:
    backend = ScriptedBackend.playing([[5, 6, 7]])
    assert first_id(backend, 1) == 5
    assert run(backend.decode(5)).ids[0] == 6
    assert run(backend.decode(6)).ids[0] == 7


def test_chunks_of_one_prompt_play_one_reply() -> None:
    backend = ScriptedBackend.playing([[5], [6]])
    assert [first_id(backend, 1), first_id(backend, 2)] == [5, 5]


def test_the_next_prompt_plays_the_next_reply() -> None:
    backend = ScriptedBackend.playing([[5], [6]])
    first_id(backend, 1)
    backend.truncate(1)
    assert first_id(backend, 2) == 6


def test_what_a_reply_says_next_may_be_put_in_at_once() -> None:
    backend = ScriptedBackend.playing([[5, 6, 7, 8], [9]])
    first_id(backend, 1)
    assert first_id(backend, 5, 6) == 7
    assert run(backend.decode(7)).ids[0] == 8
    assert first_id(backend, 1) == 9


def test_what_is_not_scripted_is_an_error() -> None:
    backend = ScriptedBackend.playing([[5]])
    first_id(backend, 1)
    with pytest.raises(BackendError, match="token 1 of reply 0 is not scripted"):
        run(backend.decode(5))
    backend.truncate(0)
    with pytest.raises(BackendError, match="token 0 of reply 1 is not scripted"):
        first_id(backend, 1)


def test_a_token_that_is_no_low_id_is_a_candidate_too() -> None:
    candidates = run(ScriptedBackend(lambda _: 300, candidates=4).prefill([1], 0))
    assert list(candidates.ids) == [300, 0, 1, 2]


def test_a_vocabulary_smaller_than_the_candidates_limits_them() -> None:
    backend = ScriptedBackend(lambda _: 1, vocab_size=3)
    assert list(run(backend.prefill([1], 0)).ids) == [1, 0, 2]
