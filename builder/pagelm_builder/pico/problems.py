"""Draws the turns pico is asked, each with its working and its answer, and grades answers to them.

Problems to train on never contain a held-out one (see `split`). `heldout_problems` is the evaluation set
and needs only the standard library, so that browser tests and benchmarks can use it. Knows no tokenizer and
no model.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from random import Random
from typing import Literal

from pagelm_builder.pico import phrasings
from pagelm_builder.pico.arithmetic import result_of, write_sum
from pagelm_builder.pico.letters import draw_letter, draw_word, write_count, write_reversal
from pagelm_builder.pico.split import chain_key, is_held_out, sum_key, word_key

Task = Literal["sum", "count", "reverse", "follow_up", "talk", "calculate"]
Message = dict[str, str]
LARGEST_RESULT = 99_999
CLOSE_SHARE = 0.3
SUM_CELLS = tuple(
    (left, right, operator) for left in range(1, 5) for right in range(1, 5) for operator in "+-"
)


@dataclass(frozen=True, slots=True)
class Turn:
    """A question with everything that is said and thought about it.

    Attributes:
        key: identity for the split; small talk has none.
        chain: identity of the chain of sums so far, for the split and for follow-ups.
        number: the result a follow-up can build on, if there is one.
        digits: digits of the longer operand, or letters of the word.
    """

    task: Task
    question: str
    thinking: str
    answer: str
    expected: str
    key: str
    chain: str
    number: int | None
    digits: int


@dataclass(frozen=True, slots=True)
class Problem:
    """A held-out conversation that ends with a question, and what the answer must say."""

    messages: tuple[Message, ...]
    expected: str
    task: Task
    digits: int


def draw_number(random: Random, digits: int) -> int:
    """A number with exactly this many digits; 0 has one."""
    return random.randrange(10 ** (digits - 1) if digits > 1 else 0, 10**digits)


def draw_sum(random: Random, left_digits: int, right_digits: int, operator: str) -> Turn:
    """A question for `a + b` or `a - b`."""
    left, right = draw_number(random, left_digits), draw_number(random, right_digits)
    if operator == "-" and left_digits == right_digits and random.random() < CLOSE_SHARE:
        right = _close_number(random, left)
    templates = phrasings.ADDITIONS if operator == "+" else phrasings.SUBTRACTIONS
    question = phrasings.draw_wording(random, templates, a=str(left), b=str(right))
    return _sum_turn("sum", question, left, operator, right, str(left))


def _close_number(random: Random, number: int) -> int:
    """A number with the same leading digits: long comparisons, leading zeros, sometimes nothing left."""
    unit = int(10 ** random.randint(0, len(str(number)) - 1))
    return number // unit * unit + random.randrange(unit)


def draw_any_sum(random: Random) -> Turn:
    """A sum of numbers of one to four digits, short pairs a little more often."""
    longest = 4 if random.random() < 0.92 else 2
    return draw_sum(random, random.randint(1, longest), random.randint(1, longest), random.choice("+-"))


def draw_follow_up(random: Random, last: Turn, number: int) -> Turn:
    """A question that builds on `number`, the result of `last`."""
    operator = random.choice("+-")
    right = draw_number(random, random.randint(1, 4))
    if abs(result_of(number, operator, right)) > LARGEST_RESULT:
        operator = "-" if operator == "+" else "+"
    templates = phrasings.MORE if operator == "+" else phrasings.LESS
    question = phrasings.draw_wording(random, templates, b=str(right))
    return _sum_turn("follow_up", question, number, operator, right, last.chain)


def draw_count(random: Random) -> Turn:
    """A question how often a letter occurs in a word."""
    word = draw_word(random)
    letter = draw_letter(random, word)
    count = word.count(letter)
    question = phrasings.draw_wording(random, phrasings.COUNTS, letter=letter, word=word)
    answer = phrasings.answer_count(letter, word, count)
    thinking, key = write_count(letter, word), word_key(word)
    return Turn("count", question, thinking, answer, str(count), key, key, count, len(word))


def draw_reversal(random: Random) -> Turn:
    """A question for a word spelled backwards."""
    word = draw_word(random)
    question = phrasings.draw_wording(random, phrasings.REVERSALS, word=word)
    return Turn(
        "reverse", question, write_reversal(word), word[::-1], word[::-1], word_key(word), "", None, len(word)
    )


def draw_talk(random: Random) -> Turn:
    """Small talk, or a question pico honestly cannot answer."""
    talk = random.choice(phrasings.SMALL_TALK)
    a, b = draw_number(random, random.randint(1, 4)), draw_number(random, random.randint(1, 4))
    question = phrasings.draw_wording(random, talk.said, a=str(a), b=str(b), word=draw_word(random))
    if random.random() < 0.2:
        question = question.rstrip("?.") + random.choice("!?.")
    return Turn("talk", question, talk.thought, talk.reply, talk.reply, "", "", None, 0)


def draw_training_turn(random: Random, last: Turn | None) -> Turn:
    """The next turn of a training conversation after `last`, never a held-out problem."""
    while True:
        turn = _draw_turn(random, last)
        if not is_held_out(turn.key) and not is_held_out(turn.chain):
            return turn


def _draw_turn(random: Random, last: Turn | None) -> Turn:
    if (
        last is not None
        and last.number is not None
        and random.random() < (0.2 if last.task == "count" else 0.65)
    ):
        return draw_follow_up(random, last, last.number)
    kind = random.random()
    if kind < 0.5:
        return draw_any_sum(random)
    if kind < 0.76:
        return draw_count(random)
    return draw_reversal(random) if kind < 0.94 else draw_talk(random)


def _sum_turn(task: Task, question: str, left: int, operator: str, right: int, chain: str) -> Turn:
    result = result_of(left, operator, right)
    answer = phrasings.answer_sum(left, operator, right, result)
    digits = max(len(str(abs(left))), len(str(right)))
    key, chain = sum_key(left, operator, right), chain_key(chain, operator, right)
    return Turn(
        task, question, write_sum(left, operator, right), answer, str(result), key, chain, result, digits
    )


def to_messages(turns: list[Turn], system: str | None = None) -> tuple[Message, ...]:
    """A conversation whose last question is still open; earlier answers appear without their working."""
    messages: list[Message] = [{"role": "system", "content": system}] if system else []
    for turn in turns:
        messages += [
            {"role": "user", "content": turn.question},
            {"role": "assistant", "content": turn.answer},
        ]
    return tuple(messages[:-1])


def heldout_problems(count: int = 500, seed: int = 500) -> list[Problem]:
    """The evaluation set: 60 % sums, 13 % counts, 13 % reversals, 14 % follow-ups, all held out."""
    random = Random(seed)
    shares = (round(count * 0.60), round(count * 0.13), round(count * 0.13))
    sums, counts, reversals = shares
    problems = list(_distinct([partial(_draw_cell, random, *cell) for cell in SUM_CELLS], sums))
    problems += _distinct([lambda: [draw_count(random)]], counts)
    problems += _distinct([lambda: [draw_reversal(random)]], reversals)
    problems += _distinct([partial(_draw_chain, random, length) for length in (1, 2, 3)], count - sum(shares))
    return problems


def _draw_cell(random: Random, left_digits: int, right_digits: int, operator: str) -> list[Turn]:
    return [draw_sum(random, left_digits, right_digits, operator)]


def _draw_chain(random: Random, length: int) -> list[Turn]:
    turns = [draw_any_sum(random)]
    for _ in range(length):
        last = turns[-1]
        assert last.number is not None
        turns.append(draw_follow_up(random, last, last.number))
    return turns


def _distinct(draws: list[Callable[[], list[Turn]]], count: int) -> Iterator[Problem]:
    """`count` held-out problems, no two alike, from `draws` in turn; a source that ran dry is passed over."""
    seen: set[str] = set()
    produced = 0
    while produced < count:
        for draw in draws:
            problem = _first_new(draw, seen)
            if problem is not None and produced < count:
                produced += 1
                yield problem


def _first_new(draw: Callable[[], list[Turn]], seen: set[str]) -> Problem | None:
    for _ in range(1000):
        turns = draw()
        identity = "|".join(turn.answer for turn in turns)
        last = turns[-1]
        if identity not in seen and is_held_out(last.key if len(turns) == 1 else last.chain):
            seen.add(identity)
            return Problem(to_messages(turns), last.expected, last.task, last.digits)
    return None


def grade(problem: Problem, answer_text: str) -> bool:
    """Whether the answer is right; thoughts before `</think>` do not count."""
    answer = answer_text.rpartition("</think>")[2].replace("<|im_end|>", "").strip()
    if "<think>" in answer:
        return False
    if problem.task == "reverse":
        words = re.findall(r"[a-z]+", answer.lower())
        return bool(words) and words[-1] == problem.expected
    if problem.task == "calculate":
        return answer.rpartition(" ")[2] == problem.expected
    numbers = re.findall(r"(?<![\d])-?\d+", answer)
    if not numbers:
        return False
    return bool(numbers[0 if problem.task == "count" else -1] == problem.expected)
