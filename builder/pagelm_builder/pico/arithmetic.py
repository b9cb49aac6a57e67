"""Writes the working of a sum: aligned numbers, one short line per column, then the collected digits.

Every line needs only a table of one-digit sums and a look at the lines above it. Knows no wording of
questions.

    27 + 138               399 - 4821

    027 + 138              0399 - 4821
    Ones 7+8=15            0<4: -(4821 - 0399)
    Tens 2+3+1=6           Ones 1-9+10=2
    Hundreds 0+1=1         Tens 2-9-1+10=2
    So 165                 Hundreds 8-3-1=4
                           Thousands 4-0=4
                           So -4422
"""

from __future__ import annotations

COLUMN_NAMES = ("Ones", "Tens", "Hundreds", "Thousands", "Ten-thousands", "Hundred-thousands")


def result_of(left: int, operator: str, right: int) -> int:
    """The value of `left operator right` for the operators + and -."""
    return left + right if operator == "+" else left - right


def write_sum(left: int, operator: str, right: int) -> str:
    """The working of `left operator right`; `left` may be negative, `right` may not.

    A negative `left` is first rewritten: `-11 + 12` as `12 - 11`, and `-11 - 5` as `-(11 + 5)`.
    """
    if left >= 0:
        return "\n".join(_addition(left, right, "") if operator == "+" else _subtraction(left, right))
    stated = f"{left} {operator} {right}"
    rewritten = _addition(-left, right, "-") if operator == "-" else _subtraction(right, -left)
    return "\n".join([stated, *rewritten])


def _aligned(left: int, right: int) -> tuple[str, str]:
    width = max(len(str(left)), len(str(right)))
    return str(left).zfill(width), str(right).zfill(width)


def _addition(left: int, right: int, sign: str) -> list[str]:
    top, bottom = _aligned(left, right)
    lines = [f"-({top} + {bottom})" if sign else f"{top} + {bottom}"]
    carry, total = 0, 0
    for name, upper, lower in zip(COLUMN_NAMES, reversed(top), reversed(bottom), strict=False):
        total = int(upper) + int(lower) + carry
        lines.append(f"{name} {upper}+{lower}{'+1' if carry else ''}={total}")
        carry = total // 10
    return [*lines, f"So {sign}{left + right}"]


def _subtraction(left: int, right: int) -> list[str]:
    top, bottom = _aligned(left, right)
    compared, order = _compare(top, bottom)
    lines = [f"{top} - {bottom}"]
    if order == "=":
        return [*lines, compared, "So 0"]
    sign = ""
    if order == "<":
        sign, top, bottom = "-", bottom, top
        compared += f": -({top} - {bottom})"
    lines.append(compared)
    digits, borrow = "", 0
    for name, upper, lower in zip(COLUMN_NAMES, reversed(top), reversed(bottom), strict=False):
        difference = int(upper) - int(lower) - borrow
        terms = f"{upper}-{lower}{'-1' if borrow else ''}{'+10' if difference < 0 else ''}"
        lines.append(f"{name} {terms}={difference % 10}")
        digits, borrow = f"{difference % 10}{digits}", int(difference < 0)
    stripped = digits.lstrip("0")
    last = f"So {sign}{digits}" + (f", {sign}{stripped}" if stripped != digits else "")
    return [*lines, last]


def _compare(top: str, bottom: str) -> tuple[str, str]:
    """Digits compared from the left until two differ: `4=4 8>3` and the last relation."""
    pairs: list[str] = []
    for upper, lower in zip(top, bottom, strict=True):
        relation = "=" if upper == lower else "<" if upper < lower else ">"
        pairs.append(f"{upper}{relation}{lower}")
        if relation != "=":
            return " ".join(pairs), relation
    return " ".join(pairs), "="
