"""Patterns: what they let through, and what is refused by name."""

from __future__ import annotations

import re

import pytest

from pagelm.errors import GrammarError
from pagelm.structured.regular_expression import MAX_REPEAT, parse_pattern
from unit.structured.texts import automaton_of, fits


def pattern_fits(pattern: str, text: str, *, anchored: bool = True) -> bool:
    return fits(automaton_of(parse_pattern(pattern, name="the pattern", anchored=anchored)), text)


@pytest.mark.parametrize(
    ("pattern", "texts"),
    [
        ("a{2,4}b?", ["aa", "aab", "aaaab", "a", "aaaaa", ""]),
        ("a{3}|b{2,}", ["aaa", "bb", "bbbbb", "b", "aab"]),
        ("(a|ab)(c|bcd)*", ["abcd", "abc", "ac", "ab", "abcdbcd", "abcdb"]),
        ("(a*)*b", ["aaab", "b", "a"]),
        ("(a?){3,5}", ["", "a", "aaaaa", "aaaaaa"]),
        ("((ab){2}){3}", ["ab" * 6, "ab" * 5, "ab" * 7]),
        (r"[^a-y\d]+é?", ["zé", "zzz", "z1", "ü", "é", "日本é"]),
        (r"[\w.-]+@[a-z]+\.(?:com|org)", ["a.b-c_9@x.org", "@x.org", "a@x.net"]),
        (r"-?\d+(\.\d+)?", ["-1.5", "12", "1.", ".5"]),
        ("xy{z}{", ["xy{z}{"]),
        (r"\x41\u00e9\t\\\/\]", ["Aé\t\\/]", "A"]),
        ("a+?b*?", ["a", "aabb", ""]),
        ("[a\\-z]+[x-]", ["a-zx", "a--", "bx"]),
        (".", ["𝄞", "é", "a", "\n", ""]),
        ("", ["", "a"]),
        ("^a|b$", ["a", "b", "ab"]),
        (r"\D\W\S", ["a-b", "1-b", "aab", "a- "]),
        (r"(?P<year>\d{4})-(?<month>\d\d)", ["2026-11", "26-11"]),
    ],
)
def test_a_pattern_fits_what_it_fits_in_python(pattern: str, texts: list[str]) -> None:
    in_python = pattern.replace("(?<", "(?P<")
    for text in texts:
        assert pattern_fits(pattern, text) == bool(re.fullmatch(in_python, text, re.ASCII)), text


def test_without_anchors_anything_may_stand_around() -> None:
    assert pattern_fits("b+", "\nabc", anchored=False)
    assert not pattern_fits("^b+", "abc", anchored=False)
    assert pattern_fits("^b+", "bc", anchored=False)
    assert not pattern_fits("b+$", "bc", anchored=False)
    assert pattern_fits("^a|b$", "xxb", anchored=False)
    assert not pattern_fits("^a|b$", "bx", anchored=False)


@pytest.mark.parametrize("line_end", "\n\r\u2028\u2029")
def test_a_dot_is_no_line_end(line_end: str) -> None:
    assert not pattern_fits("a.b", f"a{line_end}b")


def test_half_a_character_is_no_character() -> None:
    automaton = automaton_of(parse_pattern(".+", name="the pattern"))
    assert fits(automaton, "é𝄞".encode())
    assert not fits(automaton, "é".encode()[:1])
    for broken in (b"\xc0\x80", b"\xed\xa0\x80", b"\xf4\x90\x80\x80", b"\xff", b"\x80"):
        assert automaton.read(automaton.start(), broken) is None


@pytest.mark.parametrize(
    ("pattern", "problem"),
    [
        ("a(?=b)", "a lookahead at character 1"),
        ("(?!b)a", "a lookahead at character 0"),
        ("(?<=b)a", "a lookbehind"),
        ("(?<!b)a", "a lookbehind"),
        (r"(a)\1", "a back reference at character 3"),
        (r"(?<x>a)\k<x>", "a back reference"),
        (r"\bword\b", r"the escape \\b at character 0"),
        (r"\p{L}", r"the escape \\p"),
        ("(?i)a", r"\(\?i at character 0"),
        ("a++", "a possessive repetition"),
        ("a{,3}", "has {,n} at character 1"),
        ("a{,}", "has {,n} at character 1"),
        ("{,3}", "has {,n} at character 0"),
        ("a**", "two repetitions"),
        ("*a", "nothing to repeat at character 0"),
        ("a|{2}", "nothing to repeat"),
        ("(ab", "a group that never ends at character 0"),
        ("ab)", "a \\) too many"),
        ("[ab", "a set that never ends"),
        ("[]]", "is empty"),
        ("[b-a]", "a range at character 1"),
        (r"[\d-x]", "a range at character 1"),
        ("a{3,2}", "the smaller number first"),
        (f"a{{{MAX_REPEAT + 1}}}", "repeats 10001 times"),
        ("(a{200}){200}", "repeats 40000 times"),
        ("(a?){2,1000}", "what may be empty"),
        ("a^b", r"a \^ or \$ in the middle"),
        ("a$b", r"a \^ or \$ in the middle"),
        (r"\ud800", "half of a surrogate pair"),
        (r"\01", "an octal escape"),
        ("(" * 70 + ")" * 70, "too many groups"),
        ("a" * 5000, "too long"),
        ("\\", r"the escape \\"),
    ],
)
def test_what_is_not_supported_is_refused_by_name(pattern: str, problem: str) -> None:
    with pytest.raises(GrammarError, match=f"^the pattern .*{problem}"):
        parse_pattern(pattern, name="the pattern")


def test_a_pattern_that_nothing_fits_is_refused() -> None:
    with pytest.raises(GrammarError, match="allows no text at all"):
        automaton_of(parse_pattern(r"a[^\d\D]", name="the pattern"))


def test_what_can_be_read_in_too_many_ways_is_refused_while_it_is_read() -> None:
    automaton = automaton_of(parse_pattern("(a{1,50}){0,200}b", name="the pattern"))
    with pytest.raises(GrammarError, match="more than 1024 ways"):
        automaton.read(automaton.start(), b"a" * 5000)
