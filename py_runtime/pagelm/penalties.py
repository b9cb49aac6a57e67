"""Logits after logit_bias, repetition_penalty, presence_penalty and frequency_penalty, in this order.

Works on the K candidates of a step and says how many of the result are surely the greatest of the whole
vocabulary. A token that is no candidate has at most the K-th logit, and every adjustment keeps the order of
logits of one token: so what lies above the K-th logit, and above the K-th logit as adjusted for each other
token that an adjustment may lift, is exact. Repetition as in transformers' RepetitionPenaltyLogitsProcessor,
the others as OpenAI's API documents them. Draws nothing.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from pagelm.backend import Candidates
from pagelm.sampling_options import SamplingOptions


class Penalties:
    """The adjustments of one reply; `accept` each of its tokens.

    Args:
        options: What to adjust.
        prompt_ids: Tokens before the reply, which repetition_penalty counts too.
    """

    def __init__(self, options: SamplingOptions, prompt_ids: Sequence[int] = ()) -> None:
        self._repetition = options.repetition_penalty
        self._presence = options.presence_penalty
        self._frequency = options.frequency_penalty
        self._bias = options.logit_bias
        self._said: Counter[int] = Counter()
        self._seen = set(prompt_ids) if self._repetition != 1.0 else set()
        self.active = bool(
            self._bias or self._repetition != 1.0 or self._presence != 0.0 or self._frequency != 0.0
        )
        self._may_lift = (
            self._repetition < 1.0
            or self._presence < 0.0
            or self._frequency < 0.0
            or any(value > 0.0 for value in self._bias.values())
        )

    def accept(self, token_id: int) -> None:
        """The reply goes on with this token."""
        if self.active:
            self._said[token_id] += 1
            if self._repetition != 1.0:
                self._seen.add(token_id)

    def apply(self, candidates: Candidates, *, whole_vocabulary: bool) -> Candidates:
        """Adjust the candidates of one step.

        Args:
            candidates: Descending, equal ones by lower id.
            whole_vocabulary: Whether they are all tokens there are.

        Returns:
            As many as are surely the greatest of the whole vocabulary, in the same order; can be none.
        """
        if not self.active:
            return candidates
        adjusted = [
            (-self.adjust(token_id, value), token_id)
            for value, token_id in zip(candidates.values, candidates.ids, strict=True)
        ]
        adjusted.sort()
        if not whole_vocabulary:
            del adjusted[self._exact_length(candidates, adjusted) :]
        return Candidates([-negated for negated, _ in adjusted], [token_id for _, token_id in adjusted])

    def apply_to_all(self, logits: Sequence[float]) -> list[float]:
        """Adjust the logits of the whole vocabulary, `[vocab_size]`."""
        values = list(logits)
        for token_id in self._touched():
            values[token_id] = self.adjust(token_id, values[token_id])
        return values

    def adjust(self, token_id: int, logit: float) -> float:
        """The logit of one token after the adjustments."""
        logit += self._bias.get(token_id, 0.0)
        if token_id in self._seen:
            logit = logit / self._repetition if logit > 0.0 else logit * self._repetition
        if times := self._said[token_id]:
            logit -= self._presence + self._frequency * times
        return logit

    def _exact_length(self, candidates: Candidates, adjusted: Sequence[tuple[float, int]]) -> int:
        """How many of the adjusted no other token can surpass."""
        least = candidates.values[-1]
        ceiling = least
        if self._may_lift:
            others = self._touched() - set(candidates.ids)
            ceiling = max((self.adjust(token_id, least) for token_id in others), default=least)
            ceiling = max(ceiling, least)
        for length, (negated, token_id) in enumerate(adjusted):
            if -negated < ceiling:
                return length
            # Backends order equal logits by lower id, so at the K-th logit an untouched candidate precedes
            # all that are none; one that came down to it, or a ceiling that another may reach, says nothing.
            if -negated == ceiling and (ceiling > least or not self._is_untouched(token_id)):
                return length
        return len(adjusted)

    def _touched(self) -> set[int]:
        return self._seen | self._said.keys() | self._bias.keys()

    def _is_untouched(self, token_id: int) -> bool:
        return token_id not in self._seen and token_id not in self._bias and not self._said[token_id]
