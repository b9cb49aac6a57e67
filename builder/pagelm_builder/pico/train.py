"""Trains pico from scratch: `python -m pagelm_builder.pico.train`, under an hour on two quiet CPU cores.

Two processes of one thread each share the weights: both learn from half of every batch, then each updates
its own part of the weights. That is faster than two threads in one process and does not stall on a busy
machine. Muon for the matrices, AdamW for the embedding and norms; warm-up, plateau, linear decay; the last
part sees every matrix through the int4 rule the exporter uses. Everything drawn comes from one seed. Knows
held-out problems only to evaluate on them.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from multiprocessing.synchronize import Barrier
from pathlib import Path
from random import Random

import torch
from tokenizers import Tokenizer
from torch import Tensor, multiprocessing, nn
from torch.nn import functional

from pagelm_builder.pico.checkpoint_files import CHECKPOINT_DIRECTORY, load_checkpoint, save_checkpoint
from pagelm_builder.pico.conversations import Sample, draw_samples
from pagelm_builder.pico.evaluate import TorchAnswers, evaluate
from pagelm_builder.pico.model import Config, Qwen3
from pagelm_builder.pico.optimizer import Muon
from pagelm_builder.pico.problems import heldout_problems
from pagelm_builder.pico.vocabulary import make_tokenizer

WORKERS = 2
WAIT_SECONDS = 600


@dataclass(frozen=True, slots=True)
class Recipe:
    """How pico is trained; shares are of all steps, `batch_tokens` are per worker."""

    seed: int = 3
    steps: int = 10_000
    batch_tokens: int = 1600
    matrix_learning_rate: float = 0.01
    other_learning_rate: float = 0.003
    momentum: float = 0.95
    weight_decay: float = 0.01
    warmup_steps: int = 100
    decay_share: float = 0.55
    quantized_share: float = 0.25


@dataclass(frozen=True, slots=True)
class Batch:
    """Right-padded ids [batch, seq], the flat positions whose next token is learned, and those tokens."""

    input_ids: Tensor
    learned_positions: Tensor
    targets: Tensor


@dataclass(frozen=True, slots=True)
class Shared:
    """What the workers share: weights, each one's gradients, and the barrier between reading and writing."""

    model: Qwen3
    gradients: list[list[Tensor]]
    barrier: Barrier


def draw_batches(random: Random, tokenizer: Tokenizer, batch_tokens: int) -> Iterator[Batch]:
    """Endless batches of conversations of similar length, about `batch_tokens` ids each."""
    while True:
        samples = sorted(draw_samples(random, tokenizer, 1024), key=lambda sample: len(sample.input_ids))
        groups: list[list[Sample]] = [[]]
        for sample in samples:
            if (len(groups[-1]) + 1) * len(sample.input_ids) > batch_tokens and groups[-1]:
                groups.append([])
            groups[-1].append(sample)
        random.shuffle(groups)
        yield from map(to_batch, groups)


def to_batch(samples: list[Sample]) -> Batch:
    """Pads samples to the longest; the padding id does not matter, nothing sees it."""
    width = max(len(sample.input_ids) for sample in samples)
    input_ids = torch.tensor([sample.input_ids + [0] * (width - len(sample.input_ids)) for sample in samples])
    learned = torch.zeros(input_ids.shape, dtype=torch.bool)
    for row, sample in enumerate(samples):
        learned[row, sample.learned_from : len(sample.input_ids)] = True
    return Batch(input_ids, learned[:, 1:].flatten().nonzero()[:, 0], input_ids[learned])


def learning_rate_factor(step: int, recipe: Recipe) -> float:
    """Warm-up, plateau, linear decay to zero."""
    left = (recipe.steps - step) / (recipe.decay_share * recipe.steps)
    return min(1.0, (step + 1) / recipe.warmup_steps, left)


def loss_of(model: Qwen3, batch: Batch) -> Tensor:
    """Mean cross-entropy over the learned tokens."""
    hidden = model.hidden_states(batch.input_ids[:, :-1]).flatten(0, 1)
    return functional.cross_entropy(model.to_logits(hidden[batch.learned_positions]), batch.targets)


class WeightUpdater:
    """Updates one worker's part of the weights from the mean of all workers' gradients.

    The first worker has everything but the MLP's matrices, which are about half of the work.
    """

    def __init__(self, worker: int, recipe: Recipe, shared: Shared) -> None:
        self.recipe = recipe
        self.parameters: list[tuple[nn.Parameter, list[Tensor]]] = []
        matrices: list[Tensor] = []
        others: list[Tensor] = []
        for index, (name, parameter) in enumerate(shared.model.named_parameters()):
            is_matrix = parameter.dim() == 2 and "embed_tokens" not in name
            if worker == int(is_matrix and ".mlp." in name):
                self.parameters.append((parameter, [gradients[index] for gradients in shared.gradients]))
                (matrices if is_matrix else others).append(parameter)
        self.muon = Muon(matrices, recipe.momentum, recipe.weight_decay)
        self.adamw = torch.optim.AdamW(others, betas=(0.9, 0.95), weight_decay=0.0) if others else None

    def step(self, factor: float) -> None:
        """One update with learning rates scaled by `factor`."""
        for parameter, gradients in self.parameters:
            parameter.grad = torch.stack(gradients).mean(0)
        self.muon.step(self.recipe.matrix_learning_rate * factor)
        if self.adamw is not None:
            self.adamw.param_groups[0]["lr"] = self.recipe.other_learning_rate * factor
            self.adamw.step()


def work(worker: int, recipe: Recipe, shared: Shared, tokenizer: Tokenizer, snapshots: Path | None) -> int:
    """One worker's training from first to last step; returns how many tokens it saw."""
    torch.set_num_threads(1)
    parameters = list(shared.model.parameters())
    updater = WeightUpdater(worker, recipe, shared)
    batches = draw_batches(Random(recipe.seed * WORKERS + worker), tokenizer, recipe.batch_tokens)
    seen_tokens, mean_loss = 0, 0.0
    for step in range(recipe.steps):
        if step == round(recipe.steps * (1 - recipe.quantized_share)):
            shared.model.set_quantized(True)
        batch = next(batches)
        loss = loss_of(shared.model, batch)
        gradients = torch.autograd.grad(loss, parameters)
        for target, gradient in zip(shared.gradients[worker], gradients, strict=True):
            target.copy_(gradient)
        shared.barrier.wait(WAIT_SECONDS)
        updater.step(learning_rate_factor(step, recipe))
        shared.barrier.wait(WAIT_SECONDS)
        seen_tokens += batch.input_ids.numel()
        mean_loss = 0.98 * mean_loss + 0.02 * loss.item() if step else loss.item()
        if worker == 0 and (step + 1) % 100 == 0:
            report(f"step {step + 1} loss {mean_loss:.4f} tokens {seen_tokens * WORKERS}")
        if worker == 0 and snapshots is not None and (step + 1) % 250 == 0:
            save_checkpoint(snapshots, shared.model, tokenizer)
    return seen_tokens


def train(recipe: Recipe, model: Qwen3, tokenizer: Tokenizer, snapshots: Path | None) -> int:
    """Trains in place with all workers and returns about how many tokens they saw."""
    model.share_memory()
    gradients = [[_shared_zeros(p) for p in model.parameters()] for _ in range(WORKERS)]
    processes = multiprocessing.get_context("spawn")
    shared = Shared(model, gradients, processes.Barrier(WORKERS))
    others = [
        processes.Process(target=work, args=(worker, recipe, shared, tokenizer, None), daemon=True)
        for worker in range(1, WORKERS)
    ]
    for process in others:
        process.start()
    seen_tokens = work(0, recipe, shared, tokenizer, snapshots)
    for process in others:
        process.join()
    return seen_tokens * WORKERS


def _shared_zeros(like: Tensor) -> Tensor:
    shared: Tensor = torch.zeros_like(like).share_memory_()  # type: ignore[no-untyped-call]  # torch's own gap
    return shared


def report(text: str) -> None:
    """One line with the time, at once."""
    sys.stdout.write(f"{time.strftime('%H:%M:%S')} {text}\n")
    sys.stdout.flush()


def main() -> None:
    """Trains, evaluates after quantization and writes the checkpoint."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--output", type=Path, default=CHECKPOINT_DIRECTORY)
    parser.add_argument("--steps", type=int, default=Recipe().steps)
    parser.add_argument("--snapshots", type=Path, help="save an unfinished checkpoint here every 250 steps")
    arguments = parser.parse_args()
    recipe = Recipe(steps=arguments.steps)
    torch.manual_seed(recipe.seed)
    started = time.monotonic()
    tokenizer = make_tokenizer(recipe.seed)
    model = Qwen3(Config())
    seen_tokens = train(recipe, model, tokenizer, arguments.snapshots)
    minutes = (time.monotonic() - started) / 60
    save_checkpoint(arguments.output, model, tokenizer)
    saved, _ = load_checkpoint(arguments.output)  # what is published has its norms in bfloat16
    saved.set_quantized(True)
    problems = heldout_problems()
    evaluation = {
        **evaluate(TorchAnswers(saved, tokenizer), problems),
        "problems": len(problems),
        "weights": "int4, block 32, symmetric",
        "parameters": model.parameter_count(),
        "config": asdict(model.config),
        "recipe": asdict(recipe),
        "training_tokens": seen_tokens,
        "training_minutes": round(minutes, 1),
        "cpu_cores": os.cpu_count(),
    }
    text = json.dumps(evaluation, indent=2)
    (arguments.output / "evaluation.json").write_text(text + "\n", encoding="utf-8")
    report(text)


if __name__ == "__main__":
    main()
