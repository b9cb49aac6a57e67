"""A vocabulary in the order of its bytes: which tokens a state of an automaton lets through.

The sorted list is a trie that costs nothing to build beyond the sort: tokens with a common beginning stand
together, and a binary search finds where they end. Added tokens (`<|im_end|>`, `<think>`, …) are no part of
it: they steer the model, and the same text can be spelled without them.
"""

from __future__ import annotations

from array import array
from bisect import bisect_left
from collections.abc import Iterator
from typing import TYPE_CHECKING

from pagelm.structured.automaton import Automaton, State

if TYPE_CHECKING:
    from pagelm.tokenizer import Tokenizer

_WIDE = 24
"""From so many possible bytes on, looking at the tokens that there are beats looking for each byte."""


class VocabularyIndex:
    """The ordinary tokens of a tokenizer. Takes one sort of them to make.

    Args:
        tokenizer: Of the model.
    """

    def __init__(self, tokenizer: Tokenizer) -> None:
        self._tokenizer = tokenizer
        self._added = frozenset(tokenizer.special_ids.values())
        # passes at C speed, of 150,000 entries each: a page waits for them
        texts = list(map(tokenizer.token_bytes, range(tokenizer.vocab_size)))
        for token_id in self._added:
            texts[token_id] = b""
        ids = sorted(range(len(texts)), key=texts.__getitem__)[texts.count(b"") :]
        self._texts = list(map(texts.__getitem__, ids))
        self._ids = array("I", ids)

    def bytes_of(self, token_id: int) -> bytes:
        """What an ordinary token says; nothing for any other."""
        return b"" if token_id in self._added else self._tokenizer.token_bytes(token_id)

    def spell(self, text: bytes) -> list[int]:
        """The tokens that the tokenizer writes this text with; none where it would write another one."""
        token_ids = self._tokenizer.encode(text.decode("utf-8", "ignore"))
        return token_ids if b"".join(map(self._tokenizer.token_bytes, token_ids)) == text else []

    def allowed(self, automaton: Automaton, state: State) -> Iterator[int]:
        """Ids of the tokens whose bytes may follow, in the order of their bytes."""
        texts, ids = self._texts, self._ids
        waiting = [(state, 0, len(texts), 0)]
        while waiting:
            state, low, high, depth = waiting.pop()
            while low < high and len(texts[low]) == depth:
                yield ids[low]
                low += 1
            if low < high:
                waiting += self._continued(automaton, state, low, high, depth)

    def _continued(
        self, automaton: Automaton, state: State, low: int, high: int, depth: int
    ) -> list[tuple[State, int, int, int]]:
        """What is left of the tokens `low` to `high`, which begin alike, by their byte at `depth`."""
        texts = self._texts
        begin = texts[low][:depth]
        parts: list[tuple[State, int, int, int]] = []
        wide = state.members.bit_count() >= _WIDE
        members = state.members
        while low < high:
            if wide:
                byte = texts[low][depth]
            else:
                members &= -1 << texts[low][depth]
                if not members:
                    break
                byte = (members & -members).bit_length() - 1
                low = bisect_left(texts, begin + bytes((byte,)), low, high)
            end = high if byte == 0xFF else bisect_left(texts, begin + bytes((byte + 1,)), low, high)
            target = automaton.advance(state, byte) if low < end else None
            if target is not None:
                parts.append((target, low, end, depth + 1))
            members &= ~(1 << byte)
            low = end
        parts.reverse()
        return parts
