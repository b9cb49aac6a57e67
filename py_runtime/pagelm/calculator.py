"""The tool that the page offers out of the box: a calculator.

Reads expressions with Python's own parser and computes nothing but numbers joined by +, -, *, / and
parentheses: no name, no call, no power whose digits would fill the memory. Knows nothing of models.
"""

from __future__ import annotations

import ast
import math
import operator
from collections.abc import Callable
from typing import Final

MAX_CHARACTERS: Final = 200
_WANTED: Final = "numbers joined by +, -, *, / and parentheses, such as 27 + 38"

Number = int | float


def calculator(expression: str) -> str:
    """Calculates an expression.

    Args:
        expression: Numbers joined by +, -, * and /.
    """
    if len(expression) > MAX_CHARACTERS:
        raise ValueError(f"The expression is {len(expression)} characters long, at most {MAX_CHARACTERS}.")
    try:
        tree = ast.parse(expression.strip(), mode="eval")
    except (SyntaxError, ValueError, MemoryError, RecursionError):
        raise ValueError(f"{expression!r} is not an expression of {_WANTED}.") from None
    value = _value_of(tree.body)
    if not math.isfinite(value):
        raise ValueError(f"{expression!r} is beyond the numbers that can be calculated.")
    return str(value) if isinstance(value, int) else f"{value:.10g}"


def _value_of(node: ast.expr) -> Number:
    match node:
        case ast.Constant(value=bool()):
            pass
        case ast.Constant(value=int() | float() as number):
            return number
        case ast.UnaryOp(op=ast.USub(), operand=operand):
            return -_value_of(operand)
        case ast.UnaryOp(op=ast.UAdd(), operand=operand):
            return _value_of(operand)
        case ast.BinOp(left=left, op=sign, right=right) if type(sign) in _OPERATORS:
            return _OPERATORS[type(sign)](_value_of(left), _value_of(right))
    raise ValueError(f"{ast.unparse(node)!r} cannot be calculated, only {_WANTED}.")


def _divide(left: Number, right: Number) -> Number:
    """Whole where it comes out even, so that whole numbers stay exact however long they are."""
    if right == 0:
        raise ValueError("A number cannot be divided by 0.")
    if isinstance(left, int) and isinstance(right, int) and left % right == 0:
        return left // right
    return left / right


_OPERATORS: Final[dict[type[ast.operator], Callable[[Number, Number], Number]]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: _divide,
}
