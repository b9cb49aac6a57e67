"""`pagelm chat`: arguments to `pagelm_builder.chat`. It decides who asks: a person, a pipe or --prompt."""

from __future__ import annotations

import asyncio
import sys
from argparse import ArgumentParser, Namespace
from pathlib import Path
from typing import TYPE_CHECKING

from pagelm_builder.commands.subparsers import Subparsers
from pagelm_builder.errors import QuestionError

if TYPE_CHECKING:
    from pagelm_builder.chat.settings import ChatSettings

SAMPLING = {
    "temperature": (float, "divides the logits; 0 takes the likeliest token"),
    "top_k": (int, "keep the K likeliest tokens; 0 keeps all"),
    "top_p": (float, "keep the fewest tokens whose probabilities add up to this"),
    "min_p": (float, "keep tokens at least this share of the likeliest one's probability"),
    "repetition_penalty": (float, "above 1 avoids tokens of question and reply"),
    "presence_penalty": (float, "above 0 avoids tokens of the reply"),
    "frequency_penalty": (float, "the same, for each time that the reply holds a token"),
    "seed": (int, "the same seed gives the same answer"),
}


def add_parser(commands: Subparsers) -> None:
    chat = commands.add_parser(
        "chat",
        help="chat with a bundle in the terminal, on this machine's CPU",
        description="Chat with a bundle. At a terminal a conversation; with --prompt, or with text piped in, "
        "one answer. Answers go to standard output, reasoning and all else to standard error.",
    )
    chat.add_argument(
        "bundle",
        metavar="BUNDLE",
        help="folder that `pagelm export` wrote, its address on a host, or its name in build/bundles",
    )
    chat.add_argument("--prompt", metavar="TEXT", help="answer this and end")
    chat.add_argument("--json", action="store_true", help="print one JSON object instead of the answer")
    chat.add_argument("--no-thinking", action="store_true", help="answer without reasoning first")
    chat.add_argument("--system", metavar="TEXT", help="what the model is told before all else")
    chat.add_argument(
        "--max-new-tokens", type=int, metavar="N", help="most tokens of an answer (default: the context's)"
    )
    chat.add_argument(
        "--thinking-budget",
        type=int,
        metavar="N",
        help="answer after N tokens of reasoning (default: no limit)",
    )
    chat.add_argument(
        "--stop",
        action="append",
        default=[],
        metavar="TEXT",
        help="end the answer before TEXT; may be repeated",
    )
    chat.add_argument(
        "--json-schema", type=Path, metavar="FILE", help="answers are JSON of the schema in FILE"
    )
    chat.add_argument("--regex", metavar="PATTERN", help="answers fit PATTERN, all of them")
    chat.add_argument(
        "--prompt-lookup",
        action="store_true",
        help="guess tokens from what was said before: faster where text repeats",
    )
    chat.add_argument("--threads", type=int, default=0, metavar="N", help="for the arithmetic (default: all)")
    _add_sampling(chat)
    chat.set_defaults(run=run)


def _add_sampling(chat: ArgumentParser) -> None:
    sampling = chat.add_argument_group("sampling", "default: the bundle's own for the mode")
    for name, (kind, meaning) in SAMPLING.items():
        option = f"--{name.replace('_', '-')}"
        sampling.add_argument(option, type=kind, metavar="N", help=meaning)


def run(arguments: Namespace) -> None:
    """Answer.

    Raises:
        KeyboardInterrupt: Somebody stopped the one answer that was asked for.
        PagelmError: The bundle or the question cannot be used.
    """
    from pagelm import LanguageModel
    from pagelm_builder.chat.conversation import Conversation
    from pagelm_builder.chat.one_answer import answer_once, checked_question, piped_question
    from pagelm_builder.chat.terminal import Terminal
    from pagelm_builder.progress_line import ProgressLine

    settings, terminal, show = _settings(arguments), Terminal(), ProgressLine()
    question = None
    if arguments.prompt is not None:
        question = checked_question(arguments.prompt, "--prompt")
    elif not sys.stdin.isatty():
        question = piped_question()
    elif arguments.json:
        raise QuestionError("--json has no question", expected="one", remedy="Add --prompt TEXT.")
    with asyncio.Runner() as runner:
        model = runner.run(
            LanguageModel.load(
                arguments.bundle,
                threads=arguments.threads,
                on_download=lambda there, total: show("Downloading, kB", there // 1000, total // 1000),
            )
        )
        settings.check(model)
        if question is None:
            Conversation(model, settings, terminal, runner).run()
        else:
            runner.run(answer_once(model, question, settings, terminal, as_json=arguments.json))


def _settings(arguments: Namespace) -> ChatSettings:
    from pagelm_builder.chat.answer_form import read_answer_form
    from pagelm_builder.chat.settings import ChatSettings

    asked = {name: getattr(arguments, name) for name in SAMPLING}
    return ChatSettings(
        system=arguments.system,
        enable_thinking=False if arguments.no_thinking else None,
        max_new_tokens=arguments.max_new_tokens,
        thinking_budget=arguments.thinking_budget,
        stop=arguments.stop,
        response_format=read_answer_form(arguments.json_schema, arguments.regex),
        prompt_lookup=arguments.prompt_lookup,
        sampling={name: value for name, value in asked.items() if value is not None},
    )
