"""Streams that a `Terminal` writes to, and one that says it is a terminal."""

from __future__ import annotations

from io import StringIO

from pagelm_builder.chat.terminal import Terminal


class Screen(StringIO):
    """Text that is read back; a terminal if told so."""

    def __init__(self, *, is_terminal: bool = False) -> None:
        super().__init__()
        self._is_terminal = is_terminal

    def isatty(self) -> bool:
        return self._is_terminal


def piped() -> tuple[Terminal, Screen, Screen]:
    """A terminal on two files, and the files: answers, remarks."""
    answers, remarks = Screen(), Screen()
    return Terminal(answers, remarks), answers, remarks
