"""Text ↔ token ids, id for id as Hugging Face `tokenizers` does it for a byte-level BPE.

It refuses to know models and chats. Added tokens (`<|im_end|>`, `<think>`, …) are plain text unless the
caller says otherwise; who may write them in a chat is decided in `pagelm.chat_template`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from types import MappingProxyType
from typing import NamedTuple

from pagelm.byte_pair_encoding import BytePairEncoding
from pagelm.normalizer import normalize_nfc, replace_surrogates
from pagelm.pretokenizer import Pretokenizer
from pagelm.vocabulary_format import Vocabulary, unpack_vocabulary

_CACHED_PIECES = 1 << 13
_CACHED_CHARACTERS = 32
"""Bounds of the cache of encoded pre-tokens: words recur, long runs do not."""


class AddedTokenMatch(NamedTuple):
    """Where an added token's content stands in a text: `text[start:end]`."""

    start: int
    end: int
    id: int


class Tokenizer:
    """A byte-level BPE tokenizer. Not for use from several threads at once."""

    def __init__(self, vocabulary: Vocabulary) -> None:
        entries = [bytes((value,)) for value in vocabulary.base]
        entries += vocabulary.tokens
        self._byte_pairs = BytePairEncoding(entries, bytes(len(vocabulary.base)) + vocabulary.cuts)
        self._ids = vocabulary.ids
        self._whole_tokens = vocabulary.whole_tokens
        self._normalize_nfc = vocabulary.normalizer == "NFC"
        self._pretokenizer = Pretokenizer(vocabulary.pattern)
        self._pieces: dict[str, list[int]] = {}
        self._special_ids = MappingProxyType({token.content: token.id for token in vocabulary.added_tokens})
        self._hidden = frozenset(token.id for token in vocabulary.added_tokens if token.special)
        self._bytes_of_id = _index_by_id(vocabulary, entries)
        # Longest first, so that of two tokens that begin alike the longer one is found.
        contents = sorted(self._special_ids, key=len, reverse=True)
        self._added_pattern = re.compile("|".join(map(re.escape, contents)) or "(?!)")

    @classmethod
    def from_bytes(cls, data: bytes) -> Tokenizer:
        """Read tokenizer.bin (`pagelm.vocabulary_format`).

        Raises:
            TokenizerError: The bytes are not a tokenizer.bin of this version, or are truncated or altered.
        """
        return cls(unpack_vocabulary(data))

    @property
    def vocab_size(self) -> int:
        """One more than the greatest token id. A model's vocab_size may be greater: its rows are padded."""
        return len(self._bytes_of_id)

    @property
    def special_ids(self) -> Mapping[str, int]:
        """Id of each added token by its content, control tokens and `<think>` alike."""
        return self._special_ids

    def is_special(self, token_id: int) -> bool:
        """Whether the token steers the model and is never shown: `<|im_end|>` is, `<think>` is not."""
        return token_id in self._hidden

    def encode(self, text: str, *, allow_special: bool = False) -> list[int]:
        """Token ids of `text`.

        Args:
            text: Any string; lone surrogates count as U+FFFD.
            allow_special: Whether the content of an added token becomes its id, for text you wrote yourself.
                By default it is encoded as the plain characters it consists of.
        """
        if not allow_special:
            return self._encode_plain(text)
        ids: list[int] = []
        done = 0
        for match in self.find_added_tokens(text):
            ids += self._encode_plain(text[done : match.start])
            ids.append(match.id)
            done = match.end
        return ids + self._encode_plain(text[done:])

    def find_added_tokens(
        self, text: str, start: int = 0, end: int | None = None
    ) -> Iterator[AddedTokenMatch]:
        """Contents of added tokens wholly inside `text[start:end]`; leftmost first, of equals the longest."""
        for match in self._added_pattern.finditer(text, start, len(text) if end is None else end):
            yield AddedTokenMatch(match.start(), match.end(), self._special_ids[match.group()])

    def decode(self, ids: Iterable[int], *, skip_special: bool = True) -> str:
        """Text of `ids`: what is not UTF-8 becomes U+FFFD, ids without a token (padding rows) nothing."""
        hidden = self._hidden if skip_special else frozenset()
        return b"".join(self.token_bytes(id) for id in ids if id not in hidden).decode("utf-8", "replace")

    def token_bytes(self, token_id: int) -> bytes:
        """The bytes that the token stands for, not always UTF-8. Empty when there is no such token."""
        return self._bytes_of_id[token_id] if 0 <= token_id < len(self._bytes_of_id) else b""

    def _encode_plain(self, text: str) -> list[int]:
        if not text.isascii():
            text = replace_surrogates(text)
            if self._normalize_nfc:
                text = normalize_nfc(text)
        pieces = self._pieces
        ids: list[int] = []
        for piece in self._pretokenizer.split(text):
            known = pieces.get(piece)
            ids += self._encode_piece(piece) if known is None else known
        return ids

    def _encode_piece(self, piece: str) -> list[int]:
        encoded = piece.encode()
        index = self._byte_pairs.index_of.get(encoded) if self._whole_tokens else None
        indices = self._byte_pairs.merge(encoded) if index is None else (index,)
        ids = [self._ids[index] for index in indices]
        if len(piece) <= _CACHED_CHARACTERS:
            if len(self._pieces) >= _CACHED_PIECES:
                self._pieces.clear()
            self._pieces[piece] = ids
        return ids


def _index_by_id(vocabulary: Vocabulary, entries: list[bytes]) -> list[bytes]:
    ids = vocabulary.ids
    count = 1 + max(max(ids), max((token.id for token in vocabulary.added_tokens), default=0))
    if isinstance(ids, range):
        by_id = [b""] * ids.start + entries
        by_id += [b""] * (count - len(by_id))
    else:
        by_id = [b""] * count
        for id, entry in zip(ids, entries, strict=True):
            by_id[id] = entry
    for token in vocabulary.added_tokens:
        by_id[token.id] = token.content.encode()
    return by_id
