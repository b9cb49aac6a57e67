"""A backend without a model: it plays what it was given, token by token.

For tests, for examples that run anywhere, and for measuring what the host costs beside the arithmetic. It
keeps the contract of `backend.Backend` in every detail but the meaning of its words.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from pagelm.backend import Candidates, Capabilities, check_prefill, check_truncate, check_verify
from pagelm.errors import BackendError

NextToken = Callable[[Sequence[int]], int]


class ScriptedBackend:
    """Candidates from a function of the tokens so far, or from fixed replies.

    The chosen token's logit is 16, all others are 0: greedy and sampled tokens are the same for every
    practical seed.

    Args:
        next_token: Given all tokens in the cache, the id to put first.
        vocab_size: Length of the full logits.
        max_positions: How many tokens the cache holds.
        candidates: K; at most `vocab_size`.
        verify_tokens: Most tokens of one `verify`; 0: it has none.
    """

    LOGIT = 16.0

    def __init__(
        self,
        next_token: NextToken,
        *,
        vocab_size: int = 512,
        max_positions: int = 4096,
        candidates: int = 64,
        verify_tokens: int = 0,
    ) -> None:
        self._next_token = next_token
        self._token_ids: list[int] = []
        self._chosen: int | None = None
        self._closed = False
        candidates = min(candidates, vocab_size)
        self._capabilities = Capabilities(
            "scripted", "scripted", candidates, vocab_size, max_positions, verify_tokens
        )
        self._values = (self.LOGIT, *(0.0,) * (candidates - 1))
        self._lowest_ids = tuple(range(candidates))

    @classmethod
    def playing(
        cls,
        replies: Sequence[Sequence[int]],
        *,
        vocab_size: int = 512,
        max_positions: int = 4096,
        candidates: int = 64,
    ) -> ScriptedBackend:
        """A backend that answers the first prompt with `replies[0]`, the second with `replies[1]`, and so on.

        Raises (while it runs):
            BackendError: More tokens or more prompts than scripted.

        >>> import asyncio
        >>> backend = ScriptedBackend.playing([[7, 8]])
        >>> asyncio.run(backend.prefill([1, 2, 3], 0)).ids[0]
        7
        >>> asyncio.run(backend.decode(7)).ids[0], backend.length
        (8, 4)
        """
        return _PlayingBackend(
            replies, vocab_size=vocab_size, max_positions=max_positions, candidates=candidates
        )

    @property
    def capabilities(self) -> Capabilities:
        return self._capabilities

    @property
    def length(self) -> int:
        return len(self._token_ids)

    @property
    def key_value_bytes(self) -> int:
        """It keeps no keys and values."""
        return 0

    async def prefill(self, input_ids: Sequence[int], position: int) -> Candidates:
        self._check_open()
        check_prefill(input_ids, position, length=self.length, max_positions=self._capabilities.max_positions)
        return self._append(input_ids)

    async def decode(self, token_id: int) -> Candidates:
        self._check_open()
        check_prefill(
            (token_id,), self.length, length=self.length, max_positions=self._capabilities.max_positions
        )
        return self._append((token_id,))

    async def verify(self, input_ids: Sequence[int], position: int) -> Sequence[Candidates]:
        self._check_open()
        check_verify(input_ids, position, length=self.length, capabilities=self._capabilities)
        before = len(self._token_ids)
        try:
            return [self._append((token_id,)) for token_id in input_ids]
        except BaseException:
            del self._token_ids[before:]
            raise

    def truncate(self, length: int) -> None:
        self._check_open()
        check_truncate(length, length=self.length)
        if length < self.length:
            del self._token_ids[length:]
            self._chosen = None

    async def logits(self) -> Sequence[float]:
        self._check_open()
        if self._chosen is None:
            raise BackendError(
                "no step to take logits from", expected="a prefill or decode", remedy="Run one first."
            )
        logits = [0.0] * self._capabilities.vocab_size
        logits[self._chosen] = self.LOGIT
        return logits

    async def close(self) -> None:
        self._closed = True

    def _append(self, input_ids: Sequence[int]) -> Candidates:
        before = len(self._token_ids)
        self._token_ids.extend(input_ids)
        try:
            chosen = self._next_token(self._token_ids)
        except BaseException:
            del self._token_ids[before:]
            raise
        self._chosen = chosen
        lowest = self._lowest_ids
        others = lowest[:-1] if chosen >= len(lowest) else lowest[:chosen] + lowest[chosen + 1 :]
        return Candidates(self._values, (chosen, *others))

    def _check_open(self) -> None:
        if self._closed:
            raise BackendError(
                "the backend is closed", expected="an open one", remedy="Load the model again."
            )


class _PlayingBackend(ScriptedBackend):
    """Plays fixed replies: a prefill after a truncate, or of other tokens than the reply's after a decode,
    begins the next one."""

    def __init__(
        self, replies: Sequence[Sequence[int]], *, vocab_size: int, max_positions: int, candidates: int
    ) -> None:
        super().__init__(
            self._next_of_reply, vocab_size=vocab_size, max_positions=max_positions, candidates=candidates
        )
        self._replies = [tuple(reply) for reply in replies]
        self._reply = -1
        self._played = 0
        self._begins = True
        self._truncated = True

    async def prefill(self, input_ids: Sequence[int], position: int) -> Candidates:
        if self._goes_on(input_ids):
            self._played += len(input_ids)
            self._begins = True
        else:
            self._reply += self._begins
            self._begins = False
            self._played = 0
        self._truncated = False
        return await super().prefill(input_ids, position)

    async def decode(self, token_id: int) -> Candidates:
        self._begins = True
        self._played += 1
        return await super().decode(token_id)

    def truncate(self, length: int) -> None:
        super().truncate(length)
        self._begins = self._truncated = True

    def _goes_on(self, input_ids: Sequence[int]) -> bool:
        """Whether these are what the reply says next, put in at once."""
        if self._truncated or not 0 <= self._reply < len(self._replies):
            return False
        reply = self._replies[self._reply]
        return tuple(input_ids) == reply[self._played : self._played + len(input_ids)]

    def _next_of_reply(self, token_ids: Sequence[int]) -> int:
        if self._reply >= len(self._replies) or self._played >= len(self._replies[self._reply]):
            raise BackendError(
                f"token {self._played} of reply {self._reply} is not scripted",
                expected=f"{len(self._replies)} replies of {[len(reply) for reply in self._replies]} tokens",
                remedy="End each scripted reply with an end-of-sequence token.",
            )
        return self._replies[self._reply][self._played]
