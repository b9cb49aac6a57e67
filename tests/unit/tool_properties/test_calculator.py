"""pagelm.calculator on whole numbers of any length."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from pagelm.calculator import calculator


@given(st.integers(), st.integers(), st.sampled_from("+-*"))
def test_whole_numbers_are_exact(left: int, right: int, sign: str) -> None:
    expected = {"+": left + right, "-": left - right, "*": left * right}[sign]
    assert calculator(f"({left}) {sign} ({right})") == str(expected)
