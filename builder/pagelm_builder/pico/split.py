"""Decides which problems are held out, by a stable hash of the problem itself and never of its phrasing.

A sum is held out together with its commuted twin, a word for every task on words, a chain of follow-ups as
a whole. Knows no wording, no tokenizer and no model.
"""

from __future__ import annotations

from hashlib import blake2b

HELD_OUT_ONE_IN = 10


def sum_key(left: int, operator: str, right: int) -> str:
    """The identity of a sum: numbers in either order, signs moved into the operator (-11 + 12 is 12 - 11)."""
    if left < 0:
        operator = "-" if operator == "+" else "+"
    low, high = sorted((abs(left), right))
    return f"{low}{operator}{high}"


def word_key(word: str) -> str:
    """The identity of every problem about this word."""
    return f"word:{word.lower()}"


def chain_key(chain: str, operator: str, operand: int) -> str:
    """The identity of a chain of sums: what came before (a number or a chain) and one more step."""
    return f"{chain}{operator}{operand}"


def is_held_out(key: str) -> bool:
    """Whether the problem with this key is only ever used to evaluate."""
    return int.from_bytes(blake2b(key.encode(), digest_size=8).digest(), "big") % HELD_OUT_ONE_IN == 0
