"""The seam between the engine and whatever does the arithmetic.

A backend holds one sequence: the tokens it has seen and their keys and values. It knows nothing of text,
sampling or chats. Three implementations: web (`_backend_web`), native (`_backend_native`) and scripted
(`scripted`); one contract test runs on all of them. Specified in docs/contracts.md, "Python: Backend".
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, Protocol

from pagelm.errors import BackendError

BackendName = Literal["webgpu", "wasm", "native", "scripted"]


@dataclass(frozen=True, slots=True)
class Capabilities:
    """What a backend is.

    Attributes:
        name: Which implementation.
        graph: Name of the graph it runs, a key of the manifest's `graphs`.
        candidates: K, how many candidates a step returns.
        vocab_size: Length of the full logits.
        max_positions: How many tokens the cache can ever hold: the model's positions, or what a memory
            budget leaves of them.
        verify_tokens: Most tokens of one `verify`; 0: this backend has none.

    >>> Capabilities("wasm", "wasm", candidates=64, vocab_size=151_936, max_positions=40_960).verify_tokens
    0
    """

    name: BackendName
    graph: str
    candidates: int
    vocab_size: int
    max_positions: int
    verify_tokens: int = 0


@dataclass(frozen=True, slots=True)
class Candidates:
    """The K greatest logits of one step, descending; equal ones by lower id.

    Attributes:
        values: The logits, `[K]`.
        ids: Their token ids, `[K]`.

    >>> Candidates((2.5, 1.0), (7, 3)).ids[0]  # what greedy takes
    7
    """

    values: Sequence[float]
    ids: Sequence[int]


class Backend(Protocol):
    """One sequence on one device. A call that raises leaves `length` as it was.

    >>> from pagelm.scripted import ScriptedBackend
    >>> from pagelm.waiting import wait_for
    >>> backend: Backend = ScriptedBackend.playing([[5, 6]])
    >>> wait_for(backend.prefill([1, 2, 3], 0)).ids[0]
    5
    >>> wait_for(backend.decode(5)).ids[0]
    6
    >>> backend.truncate(3)  # as if nothing had been said
    >>> backend.length
    3
    """

    @property
    def capabilities(self) -> Capabilities: ...

    @property
    def length(self) -> int:
        """Tokens in the cache."""
        ...

    @property
    def key_value_bytes(self) -> int:
        """Bytes that the cache takes now, with the room it has to grow into; 0 where nothing is kept."""
        ...

    async def prefill(self, input_ids: Sequence[int], position: int) -> Candidates:
        """Run tokens and return the candidates that follow the last of them.

        Args:
            input_ids: At least one token id.
            position: Where the first one stands; must equal `length`.

        Raises:
            BackendError: Another position, no tokens, or no room for them.
        """
        ...

    async def decode(self, token_id: int) -> Candidates:
        """Append one token and return the candidates that follow it."""
        ...

    async def verify(self, input_ids: Sequence[int], position: int) -> Sequence[Candidates]:
        """Run tokens as `prefill` does, and return the candidates that follow each of them, in their order.

        Args:
            input_ids: At least one token id, at most `capabilities.verify_tokens`.
            position: Where the first one stands; must equal `length`.

        Raises:
            BackendError: Another position, no tokens, too many, or no room for them.
        """
        ...

    def truncate(self, length: int) -> None:
        """Forget every token at `length` and after it; 0 forgets all.

        Raises:
            BackendError: `length` is negative or more than there is.
        """
        ...

    async def logits(self) -> Sequence[float]:
        """All logits after the last token of the last step, `[vocab_size]`.

        Slow on the web: only when candidates fall short.
        """
        ...

    async def close(self) -> None:
        """Give the device's memory back. The backend cannot be used afterwards."""
        ...


def check_prefill(input_ids: Sequence[int], position: int, *, length: int, max_positions: int) -> None:
    """Raise BackendError unless these tokens may follow a cache of `length` tokens."""
    if position != length:
        raise BackendError(
            f"prefill at position {position}",
            expected=f"position {length}, the number of tokens in the cache",
            remedy="Truncate the cache to the position first.",
        )
    if not input_ids:
        raise BackendError(
            "prefill without tokens", expected="at least one", remedy="Pass the last prompt token again."
        )
    if length + len(input_ids) > max_positions:
        raise BackendError(
            f"{length + len(input_ids)} tokens",
            expected=f"at most {max_positions}, the positions of this model",
            remedy="Shorten the conversation or start a new one.",
        )


def check_verify(input_ids: Sequence[int], position: int, *, length: int, capabilities: Capabilities) -> None:
    """Raise BackendError unless these tokens may be verified on a cache of `length` tokens."""
    check_prefill(input_ids, position, length=length, max_positions=capabilities.max_positions)
    if not (most := capabilities.verify_tokens):
        raise BackendError(
            f"verify on the graph {capabilities.graph}, which gives the candidates of its last token only",
            expected="a graph that gives those of several",
            remedy="Decode the tokens one by one, or export the bundle again with this version of pagelm.",
        )
    if len(input_ids) > most:
        raise BackendError(
            f"verify of {len(input_ids)} tokens",
            expected=f"at most {most}",
            remedy="Verify fewer tokens at once.",
        )


def check_truncate(new_length: int, *, length: int) -> None:
    """Raise BackendError unless a cache of `length` tokens can be cut to `new_length`."""
    if not 0 <= new_length <= length:
        raise BackendError(
            f"truncate to {new_length} tokens",
            expected=f"0 to {length}, the tokens in the cache",
            remedy="Prefill what is missing instead.",
        )
