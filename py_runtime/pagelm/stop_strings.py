"""Ends an answer where it would say one of some strings, and never shows a part of one.

Works on text that arrives in pieces, and comes to the same whatever the pieces are: the first character that
completes a stop string ends the answer before that string. Knows no tokens.
"""

from __future__ import annotations

from collections.abc import Sequence

from pagelm.errors import SamplingError

MAX_STOP_STRINGS = 16
MAX_STOP_STRING_CHARACTERS = 256


class StopStrings:
    """Lets text through until a stop string appears in it.

    Args:
        strings: What ends the text, each of 1 to 256 characters; none lets everything through.

    Attributes:
        stopped: Whether one has appeared; what follows is dropped.

    Raises:
        SamplingError: A stop string is empty or too long, or there are too many.
    """

    def __init__(self, strings: Sequence[str] = ()) -> None:
        _check(strings)
        self._strings = tuple(strings)
        self._held = ""
        self.stopped = False

    def push(self, piece: str) -> str:
        """What can be shown now that this piece has come; the rest may be the start of a stop string."""
        if self.stopped:
            return ""
        text = self._held + piece
        end = min((self._end_of(string, text) for string in self._strings), default=len(text) + 1)
        if end <= len(text):
            self.stopped, self._held = True, ""
            return text[: min(end - len(string) for string in self._strings if text.endswith(string, 0, end))]
        held = self._longest_start(text)
        self._held = text[len(text) - held :]
        return text[: len(text) - held]

    def finish(self) -> str:
        """What was held back, when no more follows."""
        held, self._held = self._held, ""
        return held

    @staticmethod
    def _end_of(string: str, text: str) -> int:
        """Where it ends in the text for the first time; beyond the text when it is not there."""
        start = text.find(string)
        return start + len(string) if start >= 0 else len(text) + 1

    def _longest_start(self, text: str) -> int:
        """Length of the longest end of the text that a stop string begins with."""
        longest = 0
        for string in self._strings:
            for length in range(min(len(string) - 1, len(text)), longest, -1):
                if text.endswith(string[:length]):
                    longest = length
                    break
        return longest


def _check(strings: Sequence[str]) -> None:
    if isinstance(strings, str) or len(strings) > MAX_STOP_STRINGS:
        raise SamplingError(
            f"stop is {strings!r:.80}",
            expected=f"a list of at most {MAX_STOP_STRINGS} strings",
            remedy="Change stop.",
        )
    for string in strings:
        if not isinstance(string, str) or not 1 <= len(string) <= MAX_STOP_STRING_CHARACTERS:
            raise SamplingError(
                f"stop has {string!r:.80}",
                expected=f"strings of 1 to {MAX_STOP_STRING_CHARACTERS} characters",
                remedy="Change stop: leave out what is empty or too long.",
            )
