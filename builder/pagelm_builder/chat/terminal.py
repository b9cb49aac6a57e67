"""Two streams: answers go to one, everything else to the other, dimmed where somebody looks at a terminal.

Text of a model can hold the control characters that move a cursor, rename a window or hide what was there;
on a terminal they are shown as U+FFFD, in a file they stay what they are. It knows no chat.
"""

from __future__ import annotations

import os
import re
import sys
from typing import TextIO

# all of C0 but tab and newline, delete, all of C1
CONTROL_CHARACTERS = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")
DIM, PLAIN = "\x1b[2m", "\x1b[0m"


class Terminal:
    """Writes to both streams at once, piece by piece.

    Args:
        answers: Where answers go, and nothing but answers.
        remarks: Where reasoning and all else goes.
    """

    def __init__(self, answers: TextIO | None = None, remarks: TextIO | None = None) -> None:
        self._answers = answers or sys.stdout
        self._remarks = remarks or sys.stderr
        self._dims = self._remarks.isatty() and not os.environ.get("NO_COLOR")

    @property
    def shares_the_screen(self) -> bool:
        """Whether both streams end on one screen, so that lines must be kept apart."""
        return self._answers.isatty() and self._remarks.isatty()

    def answer(self, text: str) -> None:
        self._write(self._answers, _shown(text) if self._answers.isatty() else text)

    def remark(self, text: str) -> None:
        shown = _shown(text) if self._remarks.isatty() else text
        self._write(self._remarks, f"{DIM}{shown}{PLAIN}" if self._dims else shown)

    def prompt(self, text: str) -> str:
        """Ask for a line; `input` edits it where both ends are a terminal.

        Raises:
            EOFError: No line will come any more.
        """
        if self._answers is sys.stdout and self._answers.isatty():
            return input(text)
        self.remark(text)
        return input()

    @staticmethod
    def _write(stream: TextIO, text: str) -> None:
        stream.write(text)
        stream.flush()


def _shown(text: str) -> str:
    return CONTROL_CHARACTERS.sub("\ufffd", text)
