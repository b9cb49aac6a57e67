"""pagelm_builder.chat.terminal: which stream gets what, and what a screen is spared."""

from __future__ import annotations

import pytest

from pagelm_builder.chat.terminal import DIM, PLAIN, Terminal
from unit.chat.streams import Screen, piped


def test_answers_and_remarks_go_to_streams_of_their_own() -> None:
    terminal, answers, remarks = piped()
    terminal.answer("65")
    terminal.remark("5 and 8")
    assert (answers.getvalue(), remarks.getvalue()) == ("65", "5 and 8")


def test_remarks_are_dimmed_on_a_screen(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("NO_COLOR", raising=False)
    screen = Screen(is_terminal=True)
    Terminal(screen, screen).remark("hm")
    assert screen.getvalue() == f"{DIM}hm{PLAIN}"


def test_no_color_is_honoured(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    screen = Screen(is_terminal=True)
    Terminal(screen, screen).remark("hm")
    assert screen.getvalue() == "hm"


@pytest.mark.parametrize("text", ["\x1b]0;title\x07", "\x9b2J", "a\rb", "\x7f"], ids=ascii)
def test_a_models_control_characters_do_not_reach_a_screen(
    text: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    screen = Screen(is_terminal=True)
    terminal = Terminal(screen, screen)
    terminal.answer(text)
    terminal.remark(text)
    assert not set("\x1b\x9b\r\x7f\x07") & set(screen.getvalue())


def test_lines_and_tabs_do_reach_it() -> None:
    screen = Screen(is_terminal=True)
    Terminal(screen, screen).answer("a\tb\nc")
    assert screen.getvalue() == "a\tb\nc"


def test_a_file_gets_the_text_as_it_is() -> None:
    terminal, answers, _ = piped()
    terminal.answer("a\r\n\x1b[1m")
    assert answers.getvalue() == "a\r\n\x1b[1m"
