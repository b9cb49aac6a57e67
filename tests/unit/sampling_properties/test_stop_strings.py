"""For any text, cut in any pieces: what is shown is the text before the first complete stop string."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from pagelm.stop_strings import StopStrings

pieces = st.lists(st.text("ab\n", max_size=4), max_size=6)
stop_strings = st.lists(st.text("ab\n", min_size=1, max_size=4), max_size=3)


def text_before(text: str, strings: list[str]) -> str:
    for end in range(1, len(text) + 1):
        complete = [string for string in strings if text[:end].endswith(string)]
        if complete:
            return text[: end - max(map(len, complete))]
    return text


@settings(deadline=None, max_examples=500)
@given(pieces, stop_strings)
def test_pieces_make_no_difference(cut: list[str], strings: list[str]) -> None:
    stop = StopStrings(strings)
    shown = ""
    whole = text_before("".join(cut), strings)
    for piece in cut:
        shown += stop.push(piece)
        assert whole.startswith(shown)
    assert shown + stop.finish() == whole
