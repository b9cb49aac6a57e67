"""Problems: the split holds, workings are consistent and grading can fail."""

from __future__ import annotations

import re
from random import Random

import pytest

from pagelm_builder.pico.arithmetic import result_of, write_sum
from pagelm_builder.pico.letters import write_count, write_reversal
from pagelm_builder.pico.problems import Problem, Task, Turn, draw_training_turn, grade, heldout_problems
from pagelm_builder.pico.split import chain_key, is_held_out, sum_key, word_key

COLUMN = re.compile(r"[A-Z][a-z-]+ ([\d+-]+)=(\d+)")


def training_turns(count: int, seed: int) -> list[Turn]:
    random = Random(seed)
    turns: list[Turn] = []
    for index in range(count):
        turns.append(draw_training_turn(random, turns[-1] if index % 4 else None))
    return turns


def value_of(expression: str) -> int:
    return sum(int(term) for term in re.findall(r"[+-]?\d+", expression))


def test_training_never_meets_a_held_out_problem() -> None:
    for turn in training_turns(3000, seed=1):
        assert not is_held_out(turn.key)
        assert not is_held_out(turn.chain)


def test_training_meets_every_small_count_and_every_last_digit() -> None:
    turns = training_turns(4000, seed=8)
    assert {"0", "1", "2", "3", "4"} <= {turn.expected for turn in turns if turn.task == "count"}
    assert set("0123456789") <= {turn.expected[-1] for turn in turns if turn.task == "sum"}


def test_no_training_sum_or_word_is_in_the_evaluation_set() -> None:
    asked = {p.messages[-1]["content"] for p in heldout_problems() if p.task != "follow_up"}
    assert not asked & {turn.question for turn in training_turns(5000, seed=2) if turn.task != "talk"}


def test_commuted_twins_share_a_key() -> None:
    assert sum_key(27, "+", 38) == sum_key(38, "+", 27)
    assert sum_key(27, "+", 38) != sum_key(27, "-", 38)
    assert sum_key(-11, "+", 12) == sum_key(12, "-", 11)


def test_about_a_tenth_is_held_out() -> None:
    held_out = sum(is_held_out(word_key(str(number))) for number in range(10_000))
    assert 900 < held_out < 1100


def test_a_chain_is_known_by_all_its_steps() -> None:
    assert chain_key(chain_key("5", "+", 3), "-", 2) == "5+3-2"


def test_the_evaluation_set_is_the_same_every_time_and_all_different() -> None:
    problems = heldout_problems()
    assert len(problems) == 500
    assert problems == heldout_problems()
    assert len({str(problem.messages) for problem in problems}) == 500
    assert {problem.task for problem in problems} == {"sum", "count", "reverse", "follow_up"}


@pytest.mark.parametrize("operator", ["+", "-"])
def test_every_column_of_a_sum_is_right_and_the_digits_give_the_result(operator: str) -> None:
    random = Random(3)
    for _ in range(500):
        left, right = random.randint(-9999, 9999), random.randrange(10 ** random.randint(1, 4))
        thinking = write_sum(left, operator, right)
        for expression, total in COLUMN.findall(thinking):
            assert value_of(expression) == int(total)
        assert int(re.split(r"[ ,]+", thinking)[-1]) == result_of(left, operator, right)


def test_sums_read_as_documented() -> None:
    assert write_sum(27, "+", 138) == "027 + 138\nOnes 7+8=15\nTens 2+3+1=6\nHundreds 0+1=1\nSo 165"
    assert write_sum(-11, "+", 12).startswith("-11 + 12\n12 - 11\n1=1 2>1\n")
    assert write_sum(-11, "-", 5) == "-11 - 5\n-(11 + 05)\nOnes 1+5=6\nTens 1+0=1\nSo -16"
    assert write_sum(30, "-", 25).endswith("So 05, 5")
    assert write_sum(8, "-", 8) == "8 - 8\n8=8\nSo 0"


def test_letters_read_as_documented() -> None:
    assert write_count("r", "berry") == "Count r: b1 e2 r3=1 r4=2 y5\nFound 2"
    assert write_reversal("star") == "Spell: s1 t2 a3 r4\nBack: r4 a3 t2 s1\nrats"


def test_training_answers_are_right_by_their_own_grading() -> None:
    for turn in training_turns(1000, seed=4):
        if turn.task != "talk":
            problem = Problem(
                ({"role": "user", "content": turn.question},), turn.expected, turn.task, turn.digits
            )
            assert grade(problem, f"<think>\n{turn.thinking}\n</think>\n\n{turn.answer}<|im_end|>")


@pytest.mark.parametrize(
    ("task", "expected", "answer"),
    [
        ("sum", "65", "27 + 38 = 66"),
        ("sum", "65", "<think>\n65"),
        ("sum", "65", ""),
        ("sum", "-5", "3 - 8 = 5"),
        ("count", "3", "There are 2 r's in strawberry."),
        ("reverse", "rats", "star"),
        ("reverse", "rats", ""),
    ],
)
def test_wrong_answers_are_graded_wrong(task: Task, expected: str, answer: str) -> None:
    assert not grade(Problem(({"role": "user", "content": "?"},), expected, task, 1), answer)
