"""For any pattern of the supported kind: what fits is what `re.fullmatch` finds."""

from __future__ import annotations

import re
import warnings
from random import Random

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pagelm.errors import GrammarError
from pagelm.structured.regular_expression import parse_pattern
from unit.structured.texts import automaton_of, fits, random_text

# A busy machine is no failure.
patient = settings(deadline=None, max_examples=300, suppress_health_check=list(HealthCheck))

ALPHABET = "abé日_1 -"
ATOMS = st.sampled_from(
    ["a", "b", "é", "日", ".", "[ab]", "[^a]", "[a-é]", r"\d", r"\w", r"\s", r"\W", "[^\\w-]", "-", "_"]
)
REPEATS = st.sampled_from(["*", "+", "?", "{2}", "{0,2}", "{1,}", "{1,3}", "*?", "{2,3}?"])
PATTERNS = st.recursive(
    ATOMS,
    lambda inner: (
        st.builds("(?:{}){}".format, inner, REPEATS)
        | st.builds("({}|{})".format, inner, inner)
        | st.lists(inner, max_size=3).map("".join)
    ),
    max_leaves=8,
)


@patient
@given(PATTERNS, st.lists(st.text(ALPHABET, max_size=6), min_size=1, max_size=6))
def test_a_text_fits_when_python_finds_it(pattern: str, texts: list[str]) -> None:
    automaton = automaton_of(parse_pattern(pattern, name="the pattern"))
    for text in texts:
        assert fits(automaton, text) == bool(re.fullmatch(pattern, text, re.ASCII)), text


@settings(patient, max_examples=1500)
@given(st.text("ab[]()^$*+?{}|\\.,-12dwsnxu:<P=!0", max_size=9), st.lists(st.text("ab12{},-$", max_size=4)))
def test_any_text_is_refused_or_means_what_it_means_in_python(pattern: str, texts: list[str]) -> None:
    try:
        automaton = automaton_of(parse_pattern(pattern, name="the pattern"))
    except GrammarError:
        return
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of sets that may mean more one day
        in_python = re.compile(pattern.replace("(?<", "(?P<"), re.ASCII)
    for text in texts:
        assert fits(automaton, text) == bool(in_python.fullmatch(text)), text


@patient
@given(PATTERNS, st.integers(0, 2**32))
def test_what_is_accepted_is_what_python_finds(pattern: str, seed: int) -> None:
    automaton = automaton_of(parse_pattern(pattern, name="the pattern"))
    random = Random(seed)
    for _ in range(5):
        text = random_text(automaton, random, patience=20).decode()
        assert re.fullmatch(pattern, text, re.ASCII), text


@patient
@given(PATTERNS, st.lists(st.text(ALPHABET, max_size=6), min_size=1, max_size=6))
def test_a_schemas_pattern_is_searched_for(pattern: str, texts: list[str]) -> None:
    automaton = automaton_of(parse_pattern(pattern, name="the pattern", anchored=False))
    for text in texts:
        assert fits(automaton, text) == bool(re.search(pattern, text, re.ASCII)), text
