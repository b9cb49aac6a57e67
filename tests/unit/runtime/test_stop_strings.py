"""pagelm.stop_strings by hand; tests/unit/sampling_properties holds it to one rule for any text."""

from __future__ import annotations

import pytest

from pagelm.errors import SamplingError
from pagelm.stop_strings import StopStrings


def shown(strings: list[str], *pieces: str) -> list[str]:
    stop = StopStrings(strings)
    return [*(stop.push(piece) for piece in pieces), stop.finish()]


def test_without_stop_strings_every_piece_goes_through_at_once() -> None:
    assert shown([], "a", "b") == ["a", "b", ""]


def test_the_text_ends_before_the_stop_string() -> None:
    assert shown(["END"], "one END two") == ["one ", ""]


def test_a_stop_string_that_straddles_pieces_is_never_half_shown() -> None:
    assert shown(["END"], "one E", "N", "D two", "more") == ["one ", "", "", "", ""]


def test_a_start_that_goes_on_otherwise_is_shown_after_all() -> None:
    assert shown(["END"], "E", "NO") == ["", "ENO", ""]


def test_a_start_at_the_very_end_is_shown() -> None:
    assert shown(["END"], "one EN") == ["one ", "EN"]


def test_of_several_the_first_that_is_complete_counts() -> None:
    assert shown(["long one", "g"], "a long one") == ["a lon", ""]


def test_of_two_that_end_together_the_longer_counts() -> None:
    assert shown(["b", "ab"], "xab") == ["x", ""]


def test_stopped_is_told() -> None:
    stop = StopStrings(["."])
    assert not stop.stopped
    stop.push("a.")
    assert stop.stopped


@pytest.mark.parametrize("strings", [[""], ["x" * 257], ["a"] * 17, "abc", [1]])
def test_what_cannot_be_a_stop_string_is_refused(strings: list[str]) -> None:
    with pytest.raises(SamplingError, match=r"^stop "):
        StopStrings(strings)
