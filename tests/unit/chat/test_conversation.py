"""pagelm_builder.chat.conversation: lines, commands, and what survives an interrupt."""

from __future__ import annotations

import asyncio
import builtins
from collections.abc import Callable, Iterable
from dataclasses import replace

import pytest

from fakes import model_on, scripted
from pagelm import Done, ScriptedBackend, Usage
from pagelm_builder.chat.conversation import COMMANDS, Conversation, summary
from pagelm_builder.chat.settings import ChatSettings
from unit.chat.streams import piped

Line = str | type[BaseException]
Hold = Callable[..., tuple[Conversation, str, str]]


@pytest.fixture
def hold(monkeypatch: pytest.MonkeyPatch) -> Hold:
    """Holds a conversation in which the person types these lines; returns it, the answers and the remarks."""

    def converse(
        backend: ScriptedBackend,
        lines: Iterable[Line],
        settings: ChatSettings | None = None,
        *,
        thinking: bool = True,
    ) -> tuple[Conversation, str, str]:
        typed = iter([*lines, EOFError])

        def next_line(prompt: str = "") -> str:
            line = next(typed)
            if isinstance(line, str):
                return line
            raise line

        monkeypatch.setattr(builtins, "input", next_line)
        terminal, answers, remarks = piped()
        with asyncio.Runner() as runner:
            model = model_on(backend, thinking=thinking)
            conversation = Conversation(model, settings or ChatSettings(), terminal, runner)
            conversation.run()
        return conversation, answers.getvalue(), remarks.getvalue()

    return converse


def contents(conversation: Conversation) -> list[str]:
    return [message["content"] for message in conversation.chat.messages]


def test_each_line_is_a_question_of_one_conversation(hold: Hold) -> None:
    conversation, answers, _ = hold(scripted("4.", "5."), ["2 + 2?", "  and 1? "])
    assert answers == "4.\n5.\n"
    assert contents(conversation) == ["2 + 2?", "4.", "and 1?", "5."]


def test_a_model_that_does_not_think_says_so_and_cannot_be_switched(hold: Hold) -> None:
    conversation, answers, remarks = hold(scripted("4."), ["/think", "2 + 2?"], thinking=False)
    assert answers == "4.\n"
    assert "answers without thinking first" in remarks
    assert "counting does not think" in remarks
    assert conversation.chat.enable_thinking is False


def test_empty_lines_ask_nothing(hold: Hold) -> None:
    conversation, answers, _ = hold(scripted(), ["", "   "])
    assert (answers, contents(conversation)) == ("", [])


def test_new_forgets_all_but_the_system_message(hold: Hold) -> None:
    settings = ChatSettings(system="Be brief.")
    conversation, _, _ = hold(scripted("4.", "5."), ["2 + 2?", "/new", "4 + 1?"], settings)
    assert contents(conversation) == ["Be brief.", "4 + 1?", "5."]


def test_thinking_is_switched_for_the_questions_that_follow(hold: Hold) -> None:
    conversation, _, _ = hold(scripted("4.", "5."), ["2 + 2?", "/no_think", "4 + 1?"])
    assert not conversation.chat.enable_thinking
    assert contents(conversation) == ["2 + 2?", "4.", "4 + 1?", "5."]
    conversation, _, _ = hold(scripted(), ["/think"], ChatSettings(enable_thinking=False))
    assert conversation.chat.enable_thinking


def test_a_new_conversation_keeps_the_mode(hold: Hold) -> None:
    conversation, _, _ = hold(scripted(), ["/no_think", "/new"])
    assert not conversation.chat.enable_thinking


def test_help_lists_every_command(hold: Hold) -> None:
    _, _, remarks = hold(scripted(), ["/help"])
    assert all(command in remarks for command in COMMANDS)


def test_an_unknown_command_is_said_to_be_one_and_not_asked(hold: Hold) -> None:
    conversation, _, remarks = hold(scripted(), ["/fly"])
    assert "no command /fly" in remarks
    assert contents(conversation) == []


def test_a_path_is_a_question(hold: Hold) -> None:
    conversation, _, _ = hold(scripted("A file."), ["/etc/passwd is what?"])
    assert contents(conversation) == ["/etc/passwd is what?", "A file."]


def test_an_interrupt_at_the_prompt_drops_the_line_only(hold: Hold) -> None:
    conversation, _, _ = hold(scripted("4."), [KeyboardInterrupt, "2 + 2?"])
    assert contents(conversation) == ["2 + 2?", "4."]


def test_a_question_too_long_for_the_context_ends_nothing(hold: Hold) -> None:
    conversation, answers, remarks = hold(scripted("4."), ["x" * 600, "2 + 2?"])
    assert "/new" in remarks
    assert answers == "4.\n"
    assert contents(conversation) == ["2 + 2?", "4."]


def test_the_summary_says_what_a_turn_took_and_what_cut_it_short() -> None:
    usage = Usage(20, 0, 30, 10, 5.0, 200.0, 60, 512, 0, 1, False, 40)
    assert summary(Done("stop", usage)) == "40 tokens · 200 tokens/s · 60 of 512 in context"
    assert summary(Done("length", usage)).startswith("stopped: no room left")
    assert summary(Done("abort", usage)).startswith("stopped")
    assert summary(Done("stop", replace(usage, reasoning_cut=True))).startswith("reasoning cut short · 40")
