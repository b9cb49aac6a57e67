"""Drafted tokens that the cache holds beyond what has been said, and what the model says after each of them.

The bookkeeping of speculative decoding: which tokens to run beside those that were said, and how far what is
said then is what was drafted. What is said is chosen elsewhere, one token at a time; nothing here runs.

    said ┆ drafted              the cache holds both
      x  ┆ a  b  c              rows: the candidates after x, a, b, c
    said a: nothing has to run, x a ┆ b c;  said d: the cache is cut to x, and d runs
"""

from __future__ import annotations

from collections.abc import Collection, Sequence

from pagelm.backend import Candidates
from pagelm.prompt_lookup import PromptLookup


class LookAhead:
    """What is drafted in one reply.

    Args:
        lookup: Where drafts come from; None: there are none.
        verify_tokens: Most tokens of one run that the backend gives the candidates of.
        eos_token_ids: No draft goes on after one of them.

    Attributes:
        steps: How many runs the new tokens took so far.
    """

    def __init__(
        self, lookup: PromptLookup | None, *, verify_tokens: int = 0, eos_token_ids: Collection[int] = ()
    ) -> None:
        self.steps = 0
        self._lookup = lookup
        self._verify_tokens = verify_tokens
        self._eos_token_ids = eos_token_ids
        self._drafted: Sequence[int] = ()
        self._rows: Sequence[Candidates] = ()

    def __len__(self) -> int:
        """How many tokens the cache holds that have not been said."""
        return len(self._drafted)

    def accept(self, token_id: int) -> None:
        """The reply goes on with this token, whoever chose it."""
        if self._lookup:
            self._lookup.accept(token_id)

    def draft(self, run_tokens: int, limit: int) -> Sequence[int]:
        """What to run behind tokens that have to run anyway; mostly nothing.

        Args:
            run_tokens: How many these are.
            limit: How many tokens the reply may still have after them.
        """
        if not self._lookup:
            return ()
        # the last of the limit is chosen from what follows the one before, and does not run
        drafted = self._lookup.draft(min(self._verify_tokens - run_tokens, limit - 1))
        ends = (place for place, token_id in enumerate(drafted) if token_id in self._eos_token_ids)
        return drafted[: next(ends, None)]

    def hold(self, drafted: Sequence[int], rows: Sequence[Candidates]) -> None:
        """The cache holds these tokens now; `rows` are the candidates before the first and after each."""
        self._drafted, self._rows = drafted, rows

    def follow(self, said: Sequence[int]) -> tuple[int, Candidates | None]:
        """Go on behind the tokens that are said next.

        Returns:
            How many of them the cache holds, and the candidates that follow where it holds all. Where it does
            not, what else was drafted is drafted no more.
        """
        kept = 0
        for token_id, drafted in zip(said, self._drafted, strict=False):
            if token_id != drafted:
                break
            kept += 1
        if kept == len(said):
            self._drafted, self._rows = self._drafted[kept:], self._rows[kept:]
            return kept, self._rows[0]
        self.forget()
        return kept, None

    def forget(self) -> None:
        """The cache holds nothing any more but what was said."""
        self._drafted = self._rows = ()
