"""tokenizer.bin, version 1: how a byte-level BPE vocabulary lies in a file, read and written.

It refuses to know tokenizer.json (the builder's side) and text. Little-endian:

    "PLMT" | u32 version | u32 header_bytes | header (JSON, UTF-8)
    | base    uint8 [base_bytes]      the value of each single-byte entry
    | cuts    uint8 [merges]          bytes in the left part of each merge, in rank order
    | tokens  the product of each merge, joined by 0xFF (which no longer entry may contain)
    | ids     u32 [base_bytes + merges], only when header.first_id is null: the token id of each entry
    | u32 CRC-32 of everything before it

    header {"normalizer": "NFC"|null, "pattern": one of `pretokenizer.PATTERN_NAMES`,
            "added_tokens": [{"id", "content", "special"}], "vocab_tokens": base_bytes + merges, "merges",
            "first_id": entry i is token first_id + i, or null,
            "whole_tokens": whether an entry's bytes always encode to that entry}

Everything is read by split and slices, so that 151,643 entries load at C speed.
"""

from __future__ import annotations

import json
import struct
from array import array
from binascii import crc32
from collections.abc import Sequence
from dataclasses import dataclass
from sys import byteorder
from typing import Final, Literal, NoReturn, TypeVar

from pagelm.errors import TokenizerError
from pagelm.json_text import load_json
from pagelm.pretokenizer import PATTERN_NAMES, PatternName

MAGIC: Final = b"PLMT"
VERSION: Final = 1
_PREFIX = struct.Struct("<4sII")
_CHECKSUM = struct.Struct("<I")
_SEPARATOR: Final = b"\xff"
_Value = TypeVar("_Value")


@dataclass(frozen=True, slots=True)
class AddedToken:
    """A token outside the byte pair vocabulary. `special`: it steers the model and is never shown."""

    id: int
    content: str
    special: bool


@dataclass(frozen=True, slots=True)
class Vocabulary:
    """A byte-level BPE vocabulary.

    Attributes:
        base: Value of each single-byte entry.
        tokens: Product of each merge, in rank order.
        cuts: For each merge the bytes in its left part.
        ids: Token id of each entry (base, then tokens).
        whole_tokens: An entry's bytes, as a pre-token, always encode to that entry.
    """

    normalizer: Literal["NFC"] | None
    pattern: PatternName
    base: bytes
    tokens: Sequence[bytes]
    cuts: bytes
    ids: Sequence[int]
    whole_tokens: bool
    added_tokens: tuple[AddedToken, ...]


def pack_vocabulary(vocabulary: Vocabulary) -> bytes:
    """The bytes of tokenizer.bin. Entries must be 1–255 bytes left of their cut and hold 0xFF only alone."""
    ids = vocabulary.ids
    first_id = ids[0] if list(ids) == list(range(ids[0], ids[0] + len(ids))) else None
    body = vocabulary.base + vocabulary.cuts + _SEPARATOR.join(vocabulary.tokens)
    if first_id is None:
        body += struct.pack(f"<{len(ids)}I", *ids)
    header = {
        "normalizer": vocabulary.normalizer,
        "pattern": vocabulary.pattern,
        "added_tokens": [
            {"id": token.id, "content": token.content, "special": token.special}
            for token in vocabulary.added_tokens
        ],
        "vocab_tokens": len(ids),
        "merges": len(vocabulary.tokens),
        "first_id": first_id,
        "whole_tokens": vocabulary.whole_tokens,
    }
    head = json.dumps(header, ensure_ascii=False, separators=(",", ":")).encode()
    content = _PREFIX.pack(MAGIC, VERSION, len(head)) + head + body
    return content + _CHECKSUM.pack(crc32(content))


def unpack_vocabulary(data: bytes) -> Vocabulary:
    """Read tokenizer.bin; `data` is copied twice.

    Raises:
        TokenizerError: It is not a tokenizer.bin, of another version, truncated or altered.
    """
    header, body = _read_header(bytes(data))
    entries, merges = _get(header, "vocab_tokens", int), _get(header, "merges", int)
    first_id = header.get("first_id")
    base_end, cuts_end = entries - merges, entries
    tokens_end = len(body) - (0 if isinstance(first_id, int) else 4 * entries)
    joined = body[cuts_end:tokens_end]
    tokens = joined.split(_SEPARATOR) if joined else []
    if not 0 < base_end <= 256 or len(tokens) != merges:
        _refuse(f"its body holds {len(tokens)} merged tokens", f"{merges}, as its header says")
    return Vocabulary(
        normalizer=_choose(header, "normalizer", ("NFC", None)),
        pattern=_choose(header, "pattern", PATTERN_NAMES),
        base=body[:base_end],
        tokens=tokens,
        cuts=body[base_end:cuts_end],
        ids=range(first_id, first_id + entries)
        if isinstance(first_id, int)
        else _read_ids(body[tokens_end:]),
        whole_tokens=_get(header, "whole_tokens", bool),
        added_tokens=_read_added_tokens(header),
    )


def _read_header(data: bytes) -> tuple[dict[str, object], bytes]:
    if data[:4] != MAGIC or len(data) < _PREFIX.size + _CHECKSUM.size:
        _refuse("it does not begin with PLMT", "a tokenizer.bin made by `pagelm export`")
    _, version, header_bytes = _PREFIX.unpack_from(data)
    if version != VERSION:
        _refuse(f"it is of version {version}", f"version {VERSION}")
    content, checksum = data[: -_CHECKSUM.size], data[-_CHECKSUM.size :]
    if _CHECKSUM.pack(crc32(content)) != checksum:
        _refuse("it is truncated or altered", "the CRC-32 at its end")
    body_start = _PREFIX.size + header_bytes
    try:
        header = load_json(content[_PREFIX.size : body_start])
    except ValueError:
        header = None
    if not isinstance(header, dict):
        _refuse("its header is not a JSON object", "a JSON object in UTF-8")
    return header, content[body_start:]


def _read_ids(encoded: bytes) -> Sequence[int]:
    ids = array("I", encoded)
    if byteorder == "big":
        ids.byteswap()
    return ids


def _read_added_tokens(header: dict[str, object]) -> tuple[AddedToken, ...]:
    added = []
    for entry in _get(header, "added_tokens", list):
        if not isinstance(entry, dict):
            _refuse("its header key `added_tokens` holds something else than objects", "id, content, special")
        added.append(
            AddedToken(_get(entry, "id", int), _get(entry, "content", str), _get(entry, "special", bool))
        )
    return tuple(added)


def _get(header: dict[str, object], key: str, kind: type[_Value]) -> _Value:
    value = header.get(key)
    if not isinstance(value, kind):
        _refuse(f"its header key `{key}` is {value!r}", f"a {kind.__name__}")
    return value


def _choose(header: dict[str, object], key: str, choices: tuple[_Value, ...]) -> _Value:
    value = header.get(key)
    if value in choices:
        return choices[choices.index(value)]
    return _refuse(f"its header key `{key}` is {value!r}", " or ".join(map(repr, choices)))


def _refuse(problem: str, expected: str) -> NoReturn:
    raise TokenizerError(
        f"The vocabulary file cannot be used: {problem}",
        expected=expected,
        remedy="Load the bundle again; if that does not help, export it again with `pagelm export`.",
    )
