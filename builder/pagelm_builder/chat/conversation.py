"""The conversation at a terminal: a line is a question, a line that begins with / is a command.

Ctrl+C drops the line being typed or ends the answer being written; Ctrl+D ends the program. It knows no
tokens and no files.
"""

from __future__ import annotations

import asyncio
import re
import signal
from types import FrameType

from pagelm import Chat, Done, LanguageModel
from pagelm.errors import ContextOverflowError, TemplateError
from pagelm_builder.chat.settings import ChatSettings
from pagelm_builder.chat.terminal import Terminal
from pagelm_builder.chat.turn import answer_question, on_interrupt

PROMPT = "> "
COMMAND = re.compile(r"/\w+")
COMMANDS = {
    "/new": "forget the conversation",
    "/think": "reason before answering",
    "/no_think": "answer at once",
    "/help": "these lines",
}


class Conversation:
    """Questions of a person, one after another, until there are no more."""

    def __init__(
        self, model: LanguageModel, settings: ChatSettings, terminal: Terminal, runner: asyncio.Runner
    ) -> None:
        self._model = model
        self._settings = settings
        self._terminal = terminal
        self._runner = runner
        self._chat = self._new_chat(settings.enable_thinking)

    @property
    def chat(self) -> Chat:
        return self._chat

    def run(self) -> None:
        """Answer until the lines end."""
        kind = "" if self._model.thinks else ", which answers without thinking first"
        self._terminal.remark(f"{self._model.name}{kind}. /help lists commands, Ctrl+D ends.\n")
        with on_interrupt(_stay):
            while (line := self._next_line()) is not None:
                if COMMAND.fullmatch(line):
                    self._obey(line)
                elif line:
                    self._answer(line)

    def _next_line(self) -> str | None:
        """The next line without white space around it; None at the end."""
        try:
            with on_interrupt(signal.default_int_handler):
                return self._terminal.prompt(PROMPT).strip()
        except EOFError:
            self._terminal.remark("\n")
            return None
        except KeyboardInterrupt:
            self._terminal.remark("\n")
        except UnicodeDecodeError:
            self._terminal.remark("That line was not UTF-8 and is dropped.\n")
        return ""

    def _obey(self, command: str) -> None:
        match command:
            case "/new":
                self._chat = self._new_chat(self._chat.enable_thinking)
                self._terminal.remark("A new conversation.\n")
            case "/think" if not self._model.thinks:
                self._terminal.remark(f"{self._model.name} does not think: it goes on answering at once.\n")
            case "/think" | "/no_think":
                self._chat.enable_thinking = command == "/think"
                self._terminal.remark(f"From now on: {COMMANDS[command]}.\n")
            case "/help":
                lines = [f"{name:10} {meaning}\n" for name, meaning in COMMANDS.items()]
                self._terminal.remark("".join(lines) + "Ctrl+C     stop the answer\nCtrl+D     end\n")
            case _:
                self._terminal.remark(f"There is no command {command}; /help lists them.\n")

    def _answer(self, question: str) -> None:
        try:
            answer = self._runner.run(
                answer_question(self._model, self._chat, question, self._settings, self._terminal)
            )
        except (ContextOverflowError, TemplateError) as error:
            self._terminal.remark(f"{error} /new begins another conversation.\n")
            return
        self._terminal.remark(f"[{summary(answer.done)}]\n\n")

    def _new_chat(self, enable_thinking: bool | None) -> Chat:
        return self._model.chat(
            self._settings.system, enable_thinking=enable_thinking, overflow="truncate-oldest-turns"
        )


def _stay(number: int, frame: FrameType | None) -> None:
    """Between a line and its answer there is nothing to interrupt."""


def summary(done: Done) -> str:
    """How an answer ended and what it took, in one line."""
    usage = done.usage
    tokens = usage.reasoning_tokens + usage.answer_tokens
    rate = usage.decode_tokens_per_second
    ending = {"stop": "", "length": "stopped: no room left · ", "abort": "stopped · "}[done.finish_reason]
    cut = "reasoning cut short · " if usage.reasoning_cut else ""
    speed = f"{rate:.0f} tokens/s · " if rate else ""
    return f"{ending}{cut}{tokens} tokens · {speed}{usage.context_used} of {usage.context_size} in context"
