"""pagelm.calculator: right numbers, exact where they are whole, and sentences for what is no calculation."""

from __future__ import annotations

import pytest

from pagelm.calculator import MAX_CHARACTERS, calculator
from pagelm.tools import make_tool


@pytest.mark.parametrize(
    ("expression", "result"),
    [
        ("27 * 38", "1026"),
        ("27+38", "65"),
        (" 7 - 10 ", "-3"),
        ("2 + 3 * 4", "14"),
        ("(2 + 3) * 4", "20"),
        ("-(4 - 6)", "2"),
        ("+5", "5"),
        ("84 / 4", "21"),
        ("1 / 8", "0.125"),
        ("1 / 3", "0.3333333333"),
        ("0.1 + 0.2", "0.3"),
        ("1e3 * 2", "2000"),
        ("12345678901234567890 * 98765432109876543210", "1219326311370217952237463801111263526900"),
        ("99999999999999999999 / 3", "33333333333333333333"),
    ],
)
def test_it_calculates(expression: str, result: str) -> None:
    assert calculator(expression) == result


@pytest.mark.parametrize(
    ("expression", "problem"),
    [
        ("", "is not an expression"),
        ("27 *", "is not an expression"),
        ("27 x 38", "is not an expression"),
        ("1 / 0", "cannot be divided by 0"),
        ("2 ** 9", r"'2 \*\* 9' cannot be calculated"),
        ("7 // 2", "cannot be calculated"),
        ("7 % 2", "cannot be calculated"),
        ("abs(-1)", "cannot be calculated"),
        ("x + 1", "'x' cannot be calculated"),
        ("True + 1", "'True' cannot be calculated"),
        ("'a' * 3", "cannot be calculated"),
        ("1j", "cannot be calculated"),
        ("1e308 * 10", "beyond the numbers"),
        ("1" * (MAX_CHARACTERS + 1), f"{MAX_CHARACTERS + 1} characters long"),
        ("(" * MAX_CHARACTERS, "is not an expression"),
    ],
)
def test_what_is_no_calculation_is_refused_in_a_sentence(expression: str, problem: str) -> None:
    with pytest.raises(ValueError, match=problem):
        calculator(expression)


def test_it_can_be_a_tool() -> None:
    assert make_tool(calculator).schema["function"] == {
        "name": "calculator",
        "description": "Calculates an expression.",
        "parameters": {
            "type": "object",
            "properties": {
                "expression": {"type": "string", "description": "Numbers joined by +, -, * and /."}
            },
            "required": ["expression"],
        },
    }
