"""Draws the turns in which pico may ask the calculator, as Qwen3's chat template shows them to it.

The template's words for tools are rebuilt by hand, as `conversations` does with the rest of it: a call is
what the assistant says, a result is what the user says next. Held-out sums stay held out here. Knows no
tokenizer and no model.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from random import Random
from typing import Literal

from pagelm.calculator import calculator
from pagelm.tool_schema import describe_function
from pagelm_builder.pico import phrasings
from pagelm_builder.pico.problems import Message, Problem, Turn, draw_number, draw_training_turn
from pagelm_builder.pico.split import is_held_out, sum_key

Operator = Literal["+", "-", "*", "/"]

MOST_DIGITS = 4
TURN_COUNTS, TURN_COUNT_WEIGHTS = (1, 2, 3), (75, 20, 5)
OTHER_SHARE = 0.25
FOLLOW_UP_SHARE = 0.6
RESULT_SHARE = 0.5
CALL_THOUGHT = "The calculator can do that."

_WORDINGS: dict[Operator, tuple[str, ...]] = {
    "+": phrasings.ADDITIONS,
    "-": phrasings.SUBTRACTIONS,
    "*": phrasings.MULTIPLICATIONS,
    "/": phrasings.DIVISIONS,
}


@dataclass(frozen=True, slots=True)
class Calculation:
    """A question that the calculator answers.

    Attributes:
        expression: What it is asked.
        result: What it says.
        key: Identity for the split.
        digits: Of the longer operand.
    """

    question: str
    expression: str
    result: str
    key: str
    digits: int

    @property
    def answer(self) -> str:
        """What pico says in the end."""
        return f"{self.expression} = {self.result}"


def show_tools(system: str | None) -> str:
    """The system message with the calculator in it."""
    opening = f"{system}\n\n" if system else ""
    return (
        f"{opening}# Tools\n\nYou may call one or more functions to assist with the user query.\n\n"
        "You are provided with function signatures within <tools></tools> XML tags:\n"
        f"<tools>\n{json.dumps(describe_function(calculator))}\n</tools>\n\n"
        "For each function call, return a json object with function name and arguments within "
        "<tool_call></tool_call> XML tags:\n<tool_call>\n"
        '{"name": <function-name>, "arguments": <args-json-object>}\n</tool_call>'
    )


def write_call(expression: str) -> str:
    """What pico says to have an expression calculated."""
    call = {"name": "calculator", "arguments": {"expression": expression}}
    return f"<tool_call>\n{json.dumps(call)}\n</tool_call>"


def write_result(result: str) -> str:
    """What it hears then."""
    return f"<tool_response>\n{result}\n</tool_response>"


def draw_calculation(random: Random, last: Calculation | Turn | None) -> Calculation:
    """A question to calculate, held out or not; it may build on the result of a `last` one."""
    operator: Operator = random.choice(("+", "-", "*", "/"))
    digits = random.randint(1, MOST_DIGITS)
    right = draw_number(random, digits) or 1  # nothing is divided by 0
    if isinstance(last, Calculation) and random.random() < FOLLOW_UP_SHARE and operator in "+-":
        templates = phrasings.MORE if operator == "+" else phrasings.LESS
        question = phrasings.draw_wording(random, templates, b=str(right))
        return _calculate(question, last.result, operator, right, len(last.result))
    left = draw_number(random, random.randint(1, MOST_DIGITS))
    question = phrasings.draw_wording(random, _WORDINGS[operator], a=str(left), b=str(right))
    return _calculate(question, str(left), operator, right, max(digits, len(str(left))))


def _calculate(question: str, left: str, operator: Operator, right: int, digits: int) -> Calculation:
    expression = f"{left} {operator} {right}"
    is_whole = left.lstrip("-").isdecimal()
    key = sum_key(int(left), operator, right) if is_whole else expression
    return Calculation(question, expression, calculator(expression), key, digits)


def to_messages(turn: Calculation | Turn) -> list[Message]:
    """An earlier turn, as the template shows it."""
    asked: Message = {"role": "user", "content": turn.question}
    answered: Message = {"role": "assistant", "content": turn.answer}
    if isinstance(turn, Turn):
        return [asked, answered]
    return [
        asked,
        {"role": "assistant", "content": write_call(turn.expression)},
        {"role": "user", "content": write_result(turn.result)},
        answered,
    ]


def draw_with_calculator(random: Random, enable_thinking: bool) -> tuple[tuple[Message, ...], Turn]:
    """A training conversation with the calculator: its messages, and what is to be said next."""
    turns: list[Calculation | Turn] = []
    for _ in range(random.choices(TURN_COUNTS, TURN_COUNT_WEIGHTS)[0]):
        turns.append(_draw_training(random, turns[-1] if turns else None))
    system = random.choice(phrasings.SYSTEM_PROMPTS) if random.random() < 0.5 else None
    messages: list[Message] = [{"role": "system", "content": show_tools(system)}]
    for turn in turns[:-1]:
        messages += to_messages(turn)
    last = turns[-1]
    messages.append({"role": "user", "content": last.question})
    if isinstance(last, Turn):
        return tuple(messages), last
    call = write_call(last.expression)
    if random.random() >= RESULT_SHARE:
        return tuple(messages), _to_turn(last, CALL_THOUGHT, call)
    thought = f"<think>\n{CALL_THOUGHT}\n</think>\n\n" if enable_thinking else ""
    messages.append({"role": "assistant", "content": thought + call})
    messages.append({"role": "user", "content": write_result(last.result)})
    return tuple(messages), _to_turn(last, f"It says {last.result}.", last.answer)


def _draw_training(random: Random, last: Calculation | Turn | None) -> Calculation | Turn:
    """The next turn, never a held-out one; now and then one that needs no calculator."""
    if random.random() < OTHER_SHARE:
        while True:
            turn = draw_training_turn(random, None)
            if turn.task in ("count", "reverse", "talk") and turn.answer != phrasings.CANNOT_MULTIPLY:
                return turn
    while True:
        calculation = draw_calculation(random, last)
        if not is_held_out(calculation.key):
            return calculation


def _to_turn(calculation: Calculation, thinking: str, said: str) -> Turn:
    return Turn(
        task="calculate",
        question=calculation.question,
        thinking=thinking,
        answer=said,
        expected=calculation.result,
        key=calculation.key,
        chain="",
        number=None,
        digits=calculation.digits,
    )


def heldout_calculations(count: int = 100, seed: int = 700) -> list[Problem]:
    """Held-out questions for the calculator, one turn each, no two alike."""
    random = Random(seed)
    problems: dict[str, Problem] = {}
    while len(problems) < count:
        drawn = draw_calculation(random, None)
        if is_held_out(drawn.key):
            messages: tuple[Message, ...] = ({"role": "user", "content": drawn.question},)
            problems[drawn.key] = Problem(messages, drawn.result, "calculate", drawn.digits)
    return list(problems.values())
