"""How the next token is chosen, as one checked value.

Names, ranges and order are Hugging Face's (repetition_penalty, temperature, top_k, top_p, min_p) and OpenAI's
(presence_penalty, frequency_penalty, logit_bias). Knows nothing of logits.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from pagelm.errors import SamplingError

MAX_SEED = 2**53 - 1
"""The greatest seed: the greatest integer that a JavaScript number holds exactly."""
MAX_BIASED_TOKENS = 1024


@dataclass(frozen=True, slots=True)
class SamplingOptions:
    """How to choose the next token.

    Attributes:
        temperature: Divides the logits; 0 takes the greatest and ignores top_k, top_p, min_p and seed.
        top_k: Keep the k greatest; 0 keeps all.
        top_p: Keep the fewest whose probabilities add up to this; 1 keeps all.
        min_p: Keep those at least this share of the greatest probability; 0 keeps all.
        seed: The same seed draws the same tokens everywhere; None takes a fresh one.
        repetition_penalty: Divides positive and multiplies negative logits of tokens that prompt or reply
            hold already; 1 changes nothing, more than 1 avoids them.
        presence_penalty: Taken from the logit of each token that the reply holds already.
        frequency_penalty: Taken from it once for each time that the reply holds it.
        logit_bias: Added to the logits of these token ids, before all else.

    Raises:
        SamplingError: An option is outside its range; the message names it.

    >>> SamplingOptions(temperature=0.7, seed=11).top_k
    20
    >>> SamplingOptions(temperature=-1)
    Traceback (most recent call last):
    pagelm.errors.SamplingError: temperature is -1 (expected ...
    """

    temperature: float = 0.6
    top_k: int = 20
    top_p: float = 0.95
    min_p: float = 0.0
    seed: int | None = None
    repetition_penalty: float = 1.0
    presence_penalty: float = 0.0
    frequency_penalty: float = 0.0
    # a mapping has no hash, and what is equal in all else is seldom different in this
    logit_bias: Mapping[int, float] = field(default_factory=dict, hash=False)

    def __post_init__(self) -> None:
        _check_number(
            "temperature", self.temperature, 0.0, 100.0, "0 is greedy, 0.6 to 0.7 is what Qwen3 is made for"
        )
        _check_integer("top_k", self.top_k, 0, 2**31 - 1, "0 keeps the whole vocabulary, 20 is Qwen3's own")
        _check_number("top_p", self.top_p, 0.0, 1.0, "1 keeps all, 0.8 to 0.95 is what Qwen3 is made for")
        _check_number("min_p", self.min_p, 0.0, 1.0, "0 keeps all")
        if self.seed is not None:
            _check_integer("seed", self.seed, 0, MAX_SEED, "leave it out for a fresh one")
        _check_number(
            "repetition_penalty", self.repetition_penalty, 0.01, 100.0, "1 is none, 1.05 to 1.2 is usual"
        )
        for name in ("presence_penalty", "frequency_penalty"):
            _check_number(name, getattr(self, name), -100.0, 100.0, "0 is none, 0 to 2 is usual")
        _check_bias(self.logit_bias)


def check_biased_tokens(options: SamplingOptions, vocab_size: int) -> None:
    """Raise SamplingError where logit_bias names a token that the model lacks."""
    if options.logit_bias and (token_id := max(options.logit_bias)) >= vocab_size:
        raise SamplingError(
            f"logit_bias has token {token_id}",
            expected=f"ids below {vocab_size}, the model's vocabulary",
            remedy="Change logit_bias: take ids from this model's tokenizer.",
        )


def _check_number(name: str, value: object, low: float, high: float, hint: str) -> None:
    if isinstance(value, bool) or not isinstance(value, int | float) or not low <= value <= high:
        raise SamplingError(
            f"{name} is {value!r}",
            expected=f"a number from {low:g} to {high:g}",
            remedy=f"Change {name}: {hint}.",
        )


def _check_integer(name: str, value: object, low: int, high: int, hint: str) -> None:
    if isinstance(value, bool) or not isinstance(value, int) or not low <= value <= high:
        raise SamplingError(
            f"{name} is {value!r}",
            expected=f"an integer from {low} to {high}",
            remedy=f"Change {name}: {hint}.",
        )


def _check_bias(bias: object) -> None:
    if not isinstance(bias, Mapping) or len(bias) > MAX_BIASED_TOKENS:
        raise SamplingError(
            f"logit_bias is {bias!r:.80}",
            expected=f"token ids and what to add to their logits, at most {MAX_BIASED_TOKENS}",
            remedy="Change logit_bias: {1234: -100} never says token 1234.",
        )
    for token_id, value in bias.items():
        _check_integer("logit_bias", token_id, 0, 2**31 - 1, "its keys are token ids")
        _check_number(f"logit_bias[{token_id}]", value, -100.0, 100.0, "-100 never says it, 100 always")
