"""pagelm's sampler against transformers' logits warpers, in transformers' own order."""

from __future__ import annotations

import itertools

import pytest
import torch
from transformers.generation.logits_process import (
    LogitsProcessorList,
    MinPLogitsWarper,
    RepetitionPenaltyLogitsProcessor,
    SequenceBiasLogitsProcessor,
    TemperatureLogitsWarper,
    TopKLogitsWarper,
    TopPLogitsWarper,
)

from pagelm.backend import Candidates
from pagelm.logprobs import step_logprobs
from pagelm.penalties import Penalties
from pagelm.sampling import Sampler, greatest_candidates, surviving_weights
from pagelm.sampling_options import SamplingOptions

VOCAB_SIZE = 2000
CANDIDATES = 64

OPTIONS = [
    SamplingOptions(temperature=temperature, top_k=top_k, top_p=top_p, min_p=min_p)
    for temperature, top_k, top_p, min_p in itertools.product(
        (0.25, 0.6, 1.0, 1.7), (0, 1, 5, 20, 64, 500), (0.1, 0.8, 0.95, 1.0), (0.0, 0.02, 0.5)
    )
]


def warped_probabilities(logits: torch.Tensor, options: SamplingOptions) -> dict[int, float]:
    """What transformers draws from: probabilities of the tokens that its warpers leave."""
    warpers = LogitsProcessorList([TemperatureLogitsWarper(float(options.temperature))])
    if options.top_k:
        warpers.append(TopKLogitsWarper(options.top_k))
    if options.top_p < 1:
        warpers.append(TopPLogitsWarper(options.top_p))
    if options.min_p:
        warpers.append(MinPLogitsWarper(options.min_p))
    scores = warpers(torch.zeros((1, 1), dtype=torch.long), logits[None])[0]
    kept = torch.isfinite(scores).nonzero()[:, 0]
    probabilities = scores.softmax(dim=-1)
    return {int(token_id): float(probabilities[token_id]) for token_id in kept}


def our_probabilities(candidates: Candidates, options: SamplingOptions) -> dict[int, float]:
    cumulative = surviving_weights(candidates.values, options)
    weights = [high - low for low, high in zip([0.0, *cumulative], cumulative, strict=False)]
    return {
        token_id: weight / cumulative[-1] for token_id, weight in zip(candidates.ids, weights, strict=False)
    }


def random_logits(seed: int, spread: float) -> torch.Tensor:
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(VOCAB_SIZE, generator=generator, dtype=torch.float64) * spread


@pytest.mark.parametrize(("seed", "spread"), [(1, 0.5), (2, 2.0), (3, 6.0)])
def test_the_same_tokens_survive_with_the_same_probabilities(seed: int, spread: float) -> None:
    logits = random_logits(seed, spread)
    everything = greatest_candidates(logits.tolist(), VOCAB_SIZE)
    few = Candidates(everything.values[:CANDIDATES], everything.ids[:CANDIDATES])
    for options in OPTIONS:
        enough = Sampler(options).needs_all_logits(CANDIDATES, VOCAB_SIZE)
        ours = our_probabilities(everything if enough else few, options)
        theirs = warped_probabilities(logits, options)
        assert ours.keys() == theirs.keys(), options
        assert ours == pytest.approx(theirs, abs=1e-6, rel=0), options


def test_too_few_candidates_would_have_been_wrong() -> None:
    """What `needs_all_logits` guards against is real: K candidates alone give other survivors."""
    logits = random_logits(1, 0.5)
    everything = greatest_candidates(logits.tolist(), VOCAB_SIZE)
    options = SamplingOptions(temperature=1.0, top_k=0, top_p=0.95)
    few = Candidates(everything.values[:CANDIDATES], everything.ids[:CANDIDATES])
    assert our_probabilities(few, options).keys() != warped_probabilities(logits, options).keys()


@pytest.mark.parametrize("penalty", [0.7, 1.0, 1.3])
def test_bias_and_repetition_penalty_are_those_of_transformers(penalty: float) -> None:
    logits = random_logits(4, 3.0)
    prompt, bias = [3, 3, 77, 1500], {3: -2.5, 12: 4.0, 1999: 1.25}
    processors = LogitsProcessorList(
        [SequenceBiasLogitsProcessor([[[token_id], value] for token_id, value in bias.items()])]
    )
    if penalty != 1.0:
        processors.append(RepetitionPenaltyLogitsProcessor(penalty))
    theirs = processors(torch.tensor([prompt]), logits[None])[0].tolist()
    ours = Penalties(SamplingOptions(logit_bias=bias, repetition_penalty=penalty), prompt)
    assert ours.apply_to_all(logits.tolist()) == pytest.approx(theirs, rel=1e-6)


def test_log_probabilities_are_those_of_torch() -> None:
    logits = random_logits(5, 4.0)
    theirs = logits.log_softmax(dim=-1)
    ours = step_logprobs(logits.tolist(), 17, 5)
    assert ours.logprob == pytest.approx(float(theirs[17]), abs=1e-9)
    values, ids = theirs.topk(5)
    assert ours.top == tuple(
        (int(id), pytest.approx(float(value))) for value, id in zip(values, ids, strict=True)
    )
