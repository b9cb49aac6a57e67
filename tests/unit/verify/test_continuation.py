"""What an instrumented page recorded, read as prompts and what followed them."""

from __future__ import annotations

import pytest

from pagelm_builder.errors import VerificationError
from pagelm_builder.verify.continuation import (
    Continuation,
    RecordedStep,
    Step,
    cached_after,
    read_continuation,
)


def run(position: int, *input_ids: int, best: int = 9) -> RecordedStep:
    return {"position": position, "inputIds": list(input_ids), "ids": [best, 1], "logits": [3.0, 2.5]}


def test_a_prompt_in_pieces_gives_one_first_step() -> None:
    recorded = [run(0, 4, 5), run(2, 6, best=7), run(3, 7, best=8)]
    found = read_continuation([], recorded, [4, 5, 6], "here")
    assert found == Continuation((4, 5, 6), (Step((), (7, 1), (3.0, 2.5)), Step((7,), (8, 1), (3.0, 2.5))))
    assert cached_after([], recorded) == [4, 5, 6, 7]


def test_what_was_cached_belongs_to_the_prompt() -> None:
    found = read_continuation([4, 5, 6, 7], [run(2, 8, best=3)], [4, 5, 8], "here")
    assert found.prompt_ids == (4, 5, 8)
    assert cached_after([4, 5, 6, 7], [run(2, 8)]) == [4, 5, 8]


def test_another_prompt_is_refused_with_both() -> None:
    with pytest.raises(VerificationError, match=r"here: the page ran \[4, 6\]") as refused:
        read_continuation([4], [run(1, 6)], [4, 5], "here")
    assert refused.value.expected == "a prompt of the ids [4, 5]"


def test_a_greedy_reply_ends_where_something_else_was_run() -> None:
    steps = (
        Step((), (7, 1), (3.0, 2.5)),
        Step((7,), (8, 1), (3.0, 2.5)),
        Step((8, 2, 2), (9, 1), (3.0, 2.5)),
        Step((9,), (5, 1), (3.0, 2.5)),
    )
    assert Continuation((1,), steps).greedy() == steps[:2]


def test_a_margin_is_how_far_the_first_is_ahead() -> None:
    assert Step((), (7, 1), (3.0, 2.5)).margin == 0.5
    assert Step((), (0,), (3.0,)).margin == 0
