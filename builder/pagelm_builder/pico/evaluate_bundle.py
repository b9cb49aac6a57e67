"""Asks an exported pico the held-out problems, as the page would run it, and prints the shares as Markdown.

`python -m pagelm_builder.pico.evaluate_bundle BUNDLE`; `--tools` asks those for the calculator, through a
chat that runs it. The answers come out of `pagelm.LanguageModel` on
onnxruntime, greedily: the graph, its int4 weights, the tokenizer and the template are those that a visitor
gets. How problems are drawn and graded is `problems` and `evaluate`'s to know.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import sys
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from pagelm import LanguageModel
from pagelm.calculator import calculator
from pagelm.errors import PagelmError
from pagelm.events import TextDelta
from pagelm.sampling_options import SamplingOptions
from pagelm_builder.pico.calculations import heldout_calculations
from pagelm_builder.pico.evaluate import Report, evaluate
from pagelm_builder.pico.problems import Message, Problem, heldout_problems
from pagelm_builder.progress_line import ProgressLine

if TYPE_CHECKING:
    from pagelm._backend_native import NativeGraph

GREEDY = SamplingOptions(temperature=0)
THREADS = 1
"""Pico's matrices are so small that a second thread costs more than it brings."""

MAX_NEW_TOKENS = 600
"""Thrice what training's evaluation allows: the runtime keeps a quarter for the answer and closes a
reasoning that would take it, and none of pico's is to be cut."""

CALCULATIONS = 100

Progress = Callable[[str, int, int], object]
"""Stage, problems done, problems in all."""


class BundleAnswers:
    """An `AnswerBatch` on a language model; what it thought is left out, so unfinished thoughts are "".

    Args:
        model: Answers.
        runner: Holds the event loop that the model was loaded in.
        progress: Called after each answer.
        thinking_budget: Most tokens of reasoning; None: no limit.
    """

    def __init__(
        self,
        model: LanguageModel,
        runner: asyncio.Runner,
        progress: Progress,
        thinking_budget: int | None = None,
    ) -> None:
        self._model = model
        self._runner = runner
        self._progress = progress
        self._thinking_budget = thinking_budget

    def __call__(self, conversations: Sequence[Sequence[Message]], enable_thinking: bool) -> list[str]:
        """One text per conversation, in order."""
        stage = "with thinking" if enable_thinking else "without thinking"
        texts = []
        for done, messages in enumerate(conversations, start=1):
            texts.append(self._runner.run(self._answer(messages, enable_thinking)))
            self._progress(stage, done, len(conversations))
        return texts

    async def _answer(self, messages: Sequence[Message], enable_thinking: bool) -> str:
        events = self._model.reply(
            messages,
            enable_thinking=enable_thinking,
            sampling=GREEDY,
            max_new_tokens=MAX_NEW_TOKENS,
            thinking_budget=self._thinking_budget if enable_thinking else None,
        )
        return "".join([event.text async for event in events if isinstance(event, TextDelta)])


def evaluate_bundle(
    bundle: Path,
    problems: Sequence[Problem],
    *,
    graph: NativeGraph,
    progress: Progress,
    answers: type[BundleAnswers] = BundleAnswers,
) -> dict[str, Report]:
    """The scores of a bundle with and without thinking, by way of `answers`.

    Raises:
        PagelmError: The bundle cannot be used.
    """
    with asyncio.Runner() as runner:
        model = runner.run(LanguageModel.load(bundle, graph=graph, threads=THREADS))
        try:
            return evaluate(answers(model, runner, progress), problems)
        finally:
            runner.run(model.close())


class CalculatingAnswers(BundleAnswers):
    """Answers of a chat with the calculator."""

    async def _answer(self, messages: Sequence[Message], enable_thinking: bool) -> str:
        chat = self._model.chat(enable_thinking=enable_thinking)
        events = chat.send(
            messages[-1]["content"], tools=[calculator], sampling=GREEDY, max_new_tokens=MAX_NEW_TOKENS
        )
        return "".join([event.text async for event in events if isinstance(event, TextDelta)])


def to_markdown(reports: dict[str, Report], problems: Sequence[Problem]) -> str:
    """A table of the shares of right answers: overall, by task, sums by the digits of the longer number."""
    lines = ["| held-out problems | number | thinking | not thinking |", "|---|---:|---:|---:|"]
    for name, count, keys in _rows(problems):
        with_thinking, without_thinking = (
            _percent(reports[mode], keys) for mode in ("with_thinking", "without_thinking")
        )
        lines.append(f"| {name} | {count} | {with_thinking} | {without_thinking} |")
    return "\n".join(lines) + "\n"


def _rows(problems: Sequence[Problem]) -> Iterator[tuple[str, int, tuple[str, ...]]]:
    """Name, number of problems, and where in a report their share is."""
    yield "all", len(problems), ("accuracy",)
    for task, count in Counter(problem.task for problem in problems).items():
        yield task.replace("_", " "), count, ("by_task", task)
    digits = Counter(problem.digits for problem in problems if problem.task == "sum")
    for number, count in sorted(digits.items()):
        yield f"sum, {number} digit{'s' if number > 1 else ''}", count, ("sums_by_digits", str(number))


def _percent(report: Report, keys: tuple[str, ...]) -> str:
    share = report[keys[0]]
    if isinstance(share, dict):
        share = share[keys[1]]
    return f"{share * 100:.1f} %"


def make_parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m pagelm_builder.pico.evaluate_bundle",
        description="Share of held-out problems that an exported pico answers right.",
    )
    parser.add_argument("bundle", type=Path, metavar="BUNDLE", help="what `pagelm export` wrote")
    parser.add_argument(
        "--graph", choices=("native", "wasm"), default="native", help="wasm: as the page computes on WASM"
    )
    parser.add_argument(
        "--problems", type=int, default=500, help="how many (default: 500, the published set)"
    )
    parser.add_argument(
        "--tools", action="store_true", help=f"ask {CALCULATIONS} questions for the calculator instead"
    )
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the scores there too")
    return parser


def main(arguments: Sequence[str] | None = None) -> int:
    """Print the table; returns the exit status."""
    parser = make_parser()
    parsed = parser.parse_args(arguments)
    if parsed.problems < 1:
        parser.error("--problems: at least 1")
    problems = heldout_calculations(CALCULATIONS) if parsed.tools else heldout_problems(parsed.problems)
    answers = CalculatingAnswers if parsed.tools else BundleAnswers
    try:
        reports = evaluate_bundle(
            parsed.bundle, problems, graph=parsed.graph, progress=ProgressLine(), answers=answers
        )
    except PagelmError as error:
        print(f"{type(error).__name__}: {error}", file=sys.stderr)
        return 1
    if parsed.json:
        document = {"graph": parsed.graph, "problems": len(problems), **reports}
        parsed.json.write_text(json.dumps(document, indent=2) + "\n", encoding="utf-8")
    sys.stdout.write(to_markdown(reports, problems))
    return 0


if __name__ == "__main__":
    sys.exit(main())
