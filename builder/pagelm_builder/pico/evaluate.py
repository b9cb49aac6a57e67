"""Asks pico the held-out problems and says how many answers are right.

What answers is only seen as an `AnswerBatch`: the same evaluation runs on the torch model and on exported
graphs. `python -m pagelm_builder.pico.evaluate` evaluates the committed checkpoint after int4 quantization.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections import defaultdict
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Protocol

import torch
from tokenizers import Tokenizer
from torch import Tensor

from pagelm_builder.pico.checkpoint_files import CHECKPOINT_DIRECTORY, load_checkpoint
from pagelm_builder.pico.conversations import render_prompt
from pagelm_builder.pico.model import KeyValueCache, Qwen3, make_context
from pagelm_builder.pico.problems import Message, Problem, grade, heldout_problems

MAX_NEW_TOKENS = 200
BATCH_SIZE = 100
Report = dict[str, float | dict[str, float]]


class AnswerBatch(Protocol):
    """Anything that answers conversations greedily; thoughts, if any, come before `</think>`."""

    def __call__(self, conversations: Sequence[Sequence[Message]], enable_thinking: bool) -> list[str]:
        """One text per conversation, in order."""
        ...


class TorchAnswers:
    """Greedy answers of a torch model, batched over a KV cache; quantized or not is the model's own state."""

    def __init__(self, model: Qwen3, tokenizer: Tokenizer) -> None:
        self.model = model
        self.tokenizer = tokenizer
        self.end_id = tokenizer.token_to_id("<|im_end|>")
        self.pad_id = tokenizer.token_to_id("<|endoftext|>")

    def __call__(self, conversations: Sequence[Sequence[Message]], enable_thinking: bool) -> list[str]:
        """One text per conversation, in order."""
        prompts = [
            self.tokenizer.encode(render_prompt(messages, enable_thinking)).ids for messages in conversations
        ]
        by_length = sorted(range(len(prompts)), key=lambda index: len(prompts[index]))
        texts = [""] * len(prompts)
        for start in range(0, len(prompts), BATCH_SIZE):
            indices = by_length[start : start + BATCH_SIZE]
            replies = self.generate([prompts[index] for index in indices], MAX_NEW_TOKENS)
            for index, reply in zip(indices, replies, strict=True):
                texts[index] = self.tokenizer.decode(reply, skip_special_tokens=False)
        return texts

    @torch.no_grad()
    def generate(self, prompts: list[list[int]], max_new_tokens: int) -> list[list[int]]:
        """The greedy continuation of each prompt, up to and without the end of its turn."""
        width = max(len(prompt) for prompt in prompts)
        padding = torch.tensor([width - len(prompt) for prompt in prompts])
        input_ids = torch.tensor([[self.pad_id] * (width - len(prompt)) + prompt for prompt in prompts])
        caches = [KeyValueCache() for _ in self.model.model.layers]
        columns: list[Tensor] = []
        running = torch.ones(len(prompts), dtype=torch.bool)
        for step in range(max_new_tokens):
            past = width + step - input_ids.shape[1] if step else 0
            positions = torch.arange(past, past + input_ids.shape[1])
            context = make_context(self.model.config, positions, _left_padded_mask(positions, padding))
            hidden: Tensor = self.model.model(input_ids, caches, context)
            next_ids = self.model.to_logits(hidden[:, -1]).argmax(-1)
            columns.append(next_ids)
            running &= next_ids != self.end_id
            if not running.any():
                break
            input_ids = next_ids[:, None]
        rows: list[list[int]] = torch.stack(columns, dim=1).tolist()
        return [row[: row.index(self.end_id)] if self.end_id in row else row for row in rows]


def _left_padded_mask(positions: Tensor, padding: Tensor) -> Tensor:
    """What queries at `positions` see, [batch, 1, queries, keys]: causal, no padding, always themselves."""
    keys = torch.arange(int(positions[-1]) + 1)
    causal = keys <= positions[:, None]
    visible = causal & (keys >= padding[:, None, None])
    return (visible | (keys == positions[:, None]))[:, None]


def score(problems: Sequence[Problem], texts: Sequence[str]) -> Report:
    """Shares of right answers overall, by task and, for sums, by the digits of the longer operand."""
    right: defaultdict[str, list[bool]] = defaultdict(list)
    for problem, text in zip(problems, texts, strict=True):
        correct = grade(problem, text)
        right["all"].append(correct)
        right[problem.task].append(correct)
        if problem.task == "sum":
            right[f"digits {problem.digits}"].append(correct)
    shares = {name: round(sum(results) / len(results), 4) for name, results in sorted(right.items())}
    by_digits = {
        name.removeprefix("digits "): share for name, share in shares.items() if name.startswith("digits ")
    }
    by_task = {
        name: share for name, share in shares.items() if name != "all" and not name.startswith("digits ")
    }
    return {"accuracy": shares["all"], "by_task": by_task, "sums_by_digits": by_digits}


def evaluate(answer: AnswerBatch, problems: Sequence[Problem]) -> dict[str, Report]:
    """The scores with and without thinking."""
    conversations = [problem.messages for problem in problems]
    return {
        "with_thinking": score(problems, answer(conversations, True)),
        "without_thinking": score(problems, answer(conversations, False)),
    }


def wrong_answers(answer: AnswerBatch, problems: Sequence[Problem], enable_thinking: bool) -> Iterator[str]:
    """The failures, readable: the question, what was expected and what was said."""
    texts = answer([problem.messages for problem in problems], enable_thinking)
    for problem, text in zip(problems, texts, strict=True):
        if not grade(problem, text):
            yield f"{problem.messages[-1]['content']} (expected {problem.expected})\n{text}\n"


def main() -> None:
    """Prints the scores of a checkpoint, and with `--failures` every wrong answer with thinking."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--checkpoint", type=Path, default=CHECKPOINT_DIRECTORY)
    parser.add_argument("--full-precision", action="store_true", help="do not quantize")
    parser.add_argument("--failures", action="store_true")
    parser.add_argument("--seed", type=int, default=500, help="of the held-out problems")
    arguments = parser.parse_args()
    model, tokenizer = load_checkpoint(arguments.checkpoint)
    model.set_quantized(not arguments.full_precision)
    answer, problems = TorchAnswers(model, tokenizer), heldout_problems(seed=arguments.seed)
    if arguments.failures:
        sys.stdout.writelines(wrong_answers(answer, problems, True))
    sys.stdout.write(json.dumps(evaluate(answer, problems), indent=2) + "\n")


if __name__ == "__main__":
    main()
