"""How many held-out problems an exported pico solves when its reasoning is cut short, as a plot in Markdown.

`python -m pagelm_builder.pico.evaluate_budgets BUNDLE`. The runtime cuts: after so many tokens it says Qwen's
closing sentence and goes on to the answer. The plot is a Mermaid chart, which GitHub and MkDocs draw. How
problems are drawn and graded is `problems`' to know, how a bundle is asked `evaluate_bundle`'s.
"""

from __future__ import annotations

import argparse
import asyncio
import sys
from collections.abc import Sequence
from pathlib import Path

from pagelm import LanguageModel
from pagelm.errors import PagelmError
from pagelm_builder.pico.evaluate_bundle import THREADS, BundleAnswers, Progress
from pagelm_builder.pico.problems import Problem, grade, heldout_problems
from pagelm_builder.progress_line import ProgressLine

BUDGETS = (0, 10, 20, 30, 40, 50, 60, 80, 100)
"""Tokens of reasoning; pico's longest workings take about 100."""


def accuracy_by_budget(
    bundle: Path, problems: Sequence[Problem], budgets: Sequence[int], progress: Progress
) -> list[float]:
    """The share of problems that are solved within each budget.

    Raises:
        PagelmError: The bundle cannot be used.
    """
    with asyncio.Runner() as runner:
        model = runner.run(LanguageModel.load(bundle, threads=THREADS))
        try:
            return [
                _share(BundleAnswers(model, runner, progress, thinking_budget=budget), problems)
                for budget in budgets
            ]
        finally:
            runner.run(model.close())


def _share(answer: BundleAnswers, problems: Sequence[Problem]) -> float:
    texts = answer([problem.messages for problem in problems], True)
    right = [grade(problem, text) for problem, text in zip(problems, texts, strict=True)]
    return sum(right) / len(right)


def to_markdown(budgets: Sequence[int], accuracies: Sequence[float], problems: int) -> str:
    """A chart and its numbers."""
    percent = [f"{100 * accuracy:.1f}" for accuracy in accuracies]
    header = " | ".join(str(budget) for budget in budgets)
    return f"""```mermaid
xychart-beta
    title "pico: held-out problems solved ({problems}) by thinking budget"
    x-axis "thinking_budget, tokens" [{", ".join(str(budget) for budget in budgets)}]
    y-axis "solved, %" 0 --> 100
    line [{", ".join(percent)}]
```

| thinking_budget | {header} |
|---|{"---:|" * len(budgets)}
| solved, % | {" | ".join(percent)} |
"""


def main(arguments: Sequence[str] | None = None) -> int:
    """Print the plot; returns the exit status."""
    parser = argparse.ArgumentParser(
        prog="python -m pagelm_builder.pico.evaluate_budgets",
        description="Share of held-out problems that an exported pico solves, by thinking budget.",
    )
    parser.add_argument("bundle", type=Path, metavar="BUNDLE", help="what `pagelm export` wrote")
    parser.add_argument("--problems", type=int, default=500, help="how many (default: 500)")
    parsed = parser.parse_args(arguments)
    if parsed.problems < 1:
        parser.error("--problems: at least 1")
    problems = heldout_problems(parsed.problems)
    try:
        accuracies = accuracy_by_budget(parsed.bundle, problems, BUDGETS, ProgressLine())
    except PagelmError as error:
        print(f"{type(error).__name__}: {error}", file=sys.stderr)
        return 1
    sys.stdout.write(to_markdown(BUDGETS, accuracies, len(problems)))
    return 0


if __name__ == "__main__":
    sys.exit(main())
