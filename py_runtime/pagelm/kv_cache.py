"""Which tokens the backend's cache holds, and what of it a new prompt can use.

Lengths and budget only: the keys and values themselves live in the backend, and this file never sees them.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from pagelm.errors import ContextOverflowError


@dataclass(frozen=True, slots=True)
class PrefillPlan:
    """What to do with the cache before the first new token.

    Attributes:
        keep: Tokens of the cache that stay; truncate to this.
        input_ids: What to run after them, at least one token.
        budget: How many new tokens the context leaves room for, at least one.
    """

    keep: int
    input_ids: Sequence[int]
    budget: int

    def chunks(self, length: int) -> Iterator[Sequence[int]]:
        """The tokens to run, in pieces of at most `length`."""
        for start in range(0, len(self.input_ids), length):
            yield self.input_ids[start : start + length]


class KVCache:
    """The token ids whose keys and values a backend holds.

    Args:
        capacity: How many tokens the context holds, prompt and answer together.
    """

    def __init__(self, capacity: int) -> None:
        self.capacity = capacity
        self._token_ids: list[int] = []

    def __len__(self) -> int:
        return len(self._token_ids)

    @property
    def token_ids(self) -> tuple[int, ...]:
        return tuple(self._token_ids)

    def plan(self, input_ids: Sequence[int], *, valid: int) -> PrefillPlan:
        """Compare a prompt with the cache.

        The last prompt token is always run again: its candidates are what the answer starts from.

        Args:
            input_ids: The whole prompt.
            valid: How many tokens the backend says it has; what it lost cannot be kept.

        Raises:
            ContextOverflowError: The prompt leaves no room for a single new token, or is empty.
        """
        tokens = list(input_ids)
        if not 0 < len(tokens) < self.capacity:
            raise ContextOverflowError(
                f"the prompt has {len(tokens)} tokens",
                expected=f"1 to {self.capacity - 1}: the context of {self.capacity} must hold the answer too",
                remedy="Shorten the message or start a new chat.",
            )
        keep = min(common_prefix(self._token_ids, tokens), valid, len(tokens) - 1)
        return PrefillPlan(keep, tokens[keep:], self.capacity - len(tokens))

    def holds(self, input_ids: Sequence[int], *, valid: int) -> bool:
        """Whether the cache begins with these tokens, all of them among the `valid` of the backend."""
        count = len(input_ids)
        return count <= valid and self._token_ids[:count] == list(input_ids)

    def truncate(self, length: int) -> None:
        del self._token_ids[length:]

    def extend(self, input_ids: Sequence[int]) -> None:
        self._token_ids.extend(input_ids)


def common_prefix(a: list[int], b: list[int]) -> int:
    """How many leading entries are the same. Bisects with slice comparisons: C speed, in Pyodide too."""
    low, high = 0, min(len(a), len(b))
    while low < high:
        middle = (low + high + 1) // 2
        if a[low:middle] == b[low:middle]:
            low = middle
        else:
            high = middle - 1
    return low
