"""Bars: as long as their numbers, never longer than the line."""

from __future__ import annotations

from pagelm_builder.inspect.bar_chart import Bar, draw_bars

MARKS = ("#", "+")


def test_bars_are_in_proportion_and_the_longest_fills_the_line() -> None:
    lines = draw_bars([Bar("all", (30, 10), "40"), Bar("half", (20, 0), "20")], width=30, marks=MARKS)
    assert lines == ["all   ###############+++++  40", "half  ##########            20"]


def test_a_line_is_as_wide_as_asked() -> None:
    bars = [Bar("one", (7, 3), "10"), Bar("another", (1, 1), "2")]
    assert {len(line) for width in (40, 77) for line in draw_bars(bars, width=width, marks=MARKS)} == {40, 77}


def test_rounding_does_not_add_up_along_a_bar() -> None:
    [line] = draw_bars([Bar("", (1,) * 7, "")], width=14, marks="abcdefg")
    assert len(line.strip()) == 10
    assert sorted(line.strip()) == list(line.strip())


def test_a_narrow_terminal_still_shows_bars() -> None:
    [line] = draw_bars([Bar("a long label", (5, 0), "5")], width=12, marks=MARKS)
    assert line.count("#") == 10


def test_nothing_is_drawn_of_nothing() -> None:
    assert draw_bars([], width=40, marks=MARKS) == []
    assert draw_bars([Bar("none", (0, 0), "0")], width=20, marks=MARKS) == ["none               0"]
