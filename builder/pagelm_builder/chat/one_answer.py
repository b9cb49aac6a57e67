"""One question, one answer, for scripts: the answer alone on standard output, or one JSON object.

{"reasoning": "…", "text": "…", "finish_reason": "stop", "usage": {…}}
"""

from __future__ import annotations

import json
import sys
from dataclasses import asdict

from pagelm import LanguageModel
from pagelm_builder.chat.settings import ChatSettings
from pagelm_builder.chat.terminal import Terminal
from pagelm_builder.chat.turn import Answer, answer_question
from pagelm_builder.errors import QuestionError


async def answer_once(
    model: LanguageModel, question: str, settings: ChatSettings, terminal: Terminal, *, as_json: bool
) -> None:
    """Answer and print.

    Raises:
        KeyboardInterrupt: Somebody stopped the answer; what there was of it has been printed.
        PagelmError: As `LanguageModel.reply`.
    """
    chat = model.chat(settings.system, enable_thinking=settings.enable_thinking)
    answer = await answer_question(model, chat, question, settings, None if as_json else terminal)
    if as_json:
        terminal.answer(to_json(answer) + "\n")
    elif answer.done.finish_reason == "length":
        terminal.remark("(stopped: no more tokens were allowed, or the context is full)\n")
    if answer.done.finish_reason == "abort":
        raise KeyboardInterrupt


def to_json(answer: Answer) -> str:
    """One line; `usage` has the names of `pagelm.Usage`."""
    return json.dumps(
        {
            "reasoning": answer.reasoning,
            "text": answer.text,
            "finish_reason": answer.done.finish_reason,
            "usage": asdict(answer.done.usage),
        },
        ensure_ascii=False,
    )


def piped_question() -> str:
    """All of standard input.

    Raises:
        QuestionError: It is not UTF-8, or says nothing.
    """
    try:
        question = sys.stdin.buffer.read().decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise QuestionError(
            f"standard input is not UTF-8: {error.reason} at byte {error.start}",
            expected="a question as UTF-8 text",
            remedy="Convert it first, or use --prompt.",
        ) from error
    return checked_question(question, "standard input")


def checked_question(question: str, source: str) -> str:
    """The question without white space around it.

    Raises:
        QuestionError: Nothing is left.
    """
    if not question.strip():
        raise QuestionError(
            f"{source} holds no question", expected="some text", remedy="Use --prompt, or a terminal."
        )
    return question.strip()
