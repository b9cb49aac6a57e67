"""What a reply said before it was interrupted: said once more, token by token, without being chosen again.

Each token costs the draw that it cost then, so that what follows is what would have followed. Knows neither
text nor backends.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence

from pagelm.errors import SamplingError
from pagelm.sampling import Sampler
from pagelm.sampling_options import SamplingOptions


class Replay:
    """The tokens of an interrupted reply that have not been said again yet; false when none is left.

    Args:
        token_ids: In the order in which the engine yielded them; none for a reply that begins.
        sampling: What the reply is, and was, sampled with.
        vocab_size: Ids are below it.

    Raises:
        SamplingError: An id is none of the model's, or the seed of the draws is not known.
    """

    def __init__(self, token_ids: Sequence[int], sampling: SamplingOptions, vocab_size: int) -> None:
        self._rest = deque(token_ids)
        if any(not 0 <= token_id < vocab_size for token_id in token_ids):
            raise _misfit(f"it has ids outside 0 to {vocab_size - 1}", "what this model said")
        if token_ids and sampling.temperature and sampling.seed is None:
            raise _misfit("it was drawn from a seed that is not given", "the seed of the interrupted reply")

    def __bool__(self) -> bool:
        return bool(self._rest)

    def choose(self, sampler: Sampler) -> int:
        """The next token, in place of `sampler`'s choice."""
        sampler.skip()
        return self._rest.popleft()

    def has_said(self, forced_id: int) -> bool:
        """Whether this token, which has to come next, was said before the interruption already.

        Raises:
            SamplingError: Another one was said in its place.
        """
        if not self._rest:
            return False
        if (said := self._rest.popleft()) != forced_id:
            raise _misfit(f"it goes on with token {said}", f"token {forced_id}, which has to come there")
        return True


def _misfit(problem: str, expected: str) -> SamplingError:
    return SamplingError(
        f"the reply cannot be resumed: {problem}",
        expected=expected,
        remedy="Resume it with the options that it began with, or ask again.",
    )
