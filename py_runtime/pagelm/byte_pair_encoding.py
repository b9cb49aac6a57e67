"""Byte pair encoding of one pre-token: bytes in, indices of vocabulary entries out.

It refuses to know text, token ids and files. Semantics are those of Hugging Face `tokenizers`: of all
adjacent pairs the one with the lowest merge rank joins first, the leftmost of equals (Sennrich et al. 2016,
arXiv:1508.07909).

Entries are the single bytes, then one entry per merge in rank order. A pair (x, y) is therefore a merge
exactly when x + y is an entry and that entry was cut after len(x) bytes; no table of pairs is needed.
"""

from __future__ import annotations

from collections.abc import Sequence
from heapq import heapify, heappop, heappush
from itertools import pairwise

_NO_MERGE = 1 << 60
_HEAP_FROM = 48
"""Bytes from which the heap (n log n) beats scanning (n², but in C)."""


class BytePairEncoding:
    """Merges byte pairs by rank.

    Args:
        entries: The single bytes, then the product of each merge in rank order; merges may share a product.
        left_lengths: For each entry the length in bytes of its merge's left part; 0 for the single bytes.
    """

    def __init__(self, entries: Sequence[bytes], left_lengths: bytes) -> None:
        self._left_lengths = left_lengths
        self.index_of = dict(zip(entries, range(len(entries)), strict=True))
        # (left, right) → rank of merges whose product an earlier merge makes too: rare, empty for Qwen3.
        self._repeated: dict[tuple[bytes, bytes], int] = {}
        if len(self.index_of) < len(entries):
            self._index_repeated(entries)

    def _index_repeated(self, entries: Sequence[bytes]) -> None:
        self.index_of.clear()
        for index, entry in enumerate(entries):
            if self.index_of.setdefault(entry, index) != index:
                cut = self._left_lengths[index]
                self._repeated[entry[:cut], entry[cut:]] = index

    def _rank(self, left: bytes, right: bytes) -> int:
        index = self.index_of.get(left + right, _NO_MERGE)
        if index == _NO_MERGE or self._left_lengths[index] == len(left):
            return index
        return self._repeated.get((left, right), _NO_MERGE)

    def merge(self, piece: bytes) -> list[int]:
        """Entry indices of `piece`. Bytes that have no entry of their own are dropped, and what is left of
        them and right of them may merge."""
        index_of = self.index_of
        parts = [byte for at in range(len(piece)) if (byte := piece[at : at + 1]) in index_of]
        if len(parts) > 1:
            parts = self._merge_by_heap(parts) if len(parts) > _HEAP_FROM else self._merge_by_scan(parts)
        return [index_of[part] for part in parts]

    def _merge_by_scan(self, parts: list[bytes]) -> list[bytes]:
        rank = self._rank
        # ranks[i] is that of (parts[i], parts[i + 1])
        ranks = [rank(left, right) for left, right in pairwise(parts)]
        while ranks:
            best = min(ranks)
            if best == _NO_MERGE:
                break
            at = ranks.index(best)
            parts[at : at + 2] = [parts[at] + parts[at + 1]]
            del ranks[at]
            if at:
                ranks[at - 1] = rank(parts[at - 1], parts[at])
            if at < len(ranks):
                ranks[at] = rank(parts[at], parts[at + 1])
        return parts

    def _merge_by_heap(self, parts: list[bytes]) -> list[bytes]:
        # A doubly linked list over positions; merged-away positions hold b"".
        count = len(parts)
        before = list(range(-1, count - 1))
        after = list(range(1, count + 1))
        heap = [(self._rank(parts[at], parts[at + 1]), at) for at in range(count - 1)]
        heap = [entry for entry in heap if entry[0] != _NO_MERGE]
        heapify(heap)
        while heap:
            best, at = heappop(heap)
            right = after[at]
            # Stale when either side has changed since: then the pair has another rank, or is gone.
            if right >= count or not parts[at] or self._rank(parts[at], parts[right]) != best:
                continue
            parts[at] += parts[right]
            parts[right] = b""
            after[at] = after[right]
            if after[at] < count:
                before[after[at]] = at
            for left in (before[at], at):
                if left >= 0 and after[left] < count:
                    rank = self._rank(parts[left], parts[after[left]])
                    if rank != _NO_MERGE:
                        heappush(heap, (rank, left))
        return [part for part in parts if part]
