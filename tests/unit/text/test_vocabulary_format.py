"""tokenizer.bin: what is packed is unpacked, and anything else is refused by name."""

from __future__ import annotations

import struct
from binascii import crc32
from dataclasses import replace

import pytest

from pagelm.errors import TokenizerError
from pagelm.vocabulary_format import Vocabulary, pack_vocabulary, unpack_vocabulary


def assert_same(left: Vocabulary, right: Vocabulary) -> None:
    assert replace(left, ids=list(left.ids), tokens=list(left.tokens)) == replace(
        right, ids=list(right.ids), tokens=list(right.tokens)
    )


def test_what_is_packed_is_unpacked(vocabulary: Vocabulary) -> None:
    assert_same(unpack_vocabulary(pack_vocabulary(vocabulary)), vocabulary)


def test_ids_in_any_order_are_kept(vocabulary: Vocabulary) -> None:
    shuffled = replace(vocabulary, ids=[70_000 - 3 * id for id in vocabulary.ids])
    assert_same(unpack_vocabulary(pack_vocabulary(shuffled)), shuffled)


def test_consecutive_ids_take_no_bytes(vocabulary: Vocabulary) -> None:
    shifted = replace(vocabulary, ids=[id + 17 for id in vocabulary.ids])
    shuffled = replace(vocabulary, ids=list(reversed(vocabulary.ids)))
    assert len(pack_vocabulary(shuffled)) > len(pack_vocabulary(shifted)) + 3 * len(vocabulary.ids)
    assert_same(unpack_vocabulary(pack_vocabulary(shifted)), shifted)


def test_a_vocabulary_without_merges_is_possible(vocabulary: Vocabulary) -> None:
    bare = replace(vocabulary, tokens=[], cuts=b"", ids=range(256), normalizer=None)
    assert_same(unpack_vocabulary(pack_vocabulary(bare)), bare)


def test_every_truncation_is_refused(vocabulary: Vocabulary) -> None:
    data = pack_vocabulary(vocabulary)
    for length in range(len(data)):
        with pytest.raises(TokenizerError):
            unpack_vocabulary(data[:length])


def test_every_altered_byte_is_refused(vocabulary: Vocabulary) -> None:
    data = pack_vocabulary(vocabulary)
    for at in range(len(data)):
        with pytest.raises(TokenizerError):
            unpack_vocabulary(data[:at] + bytes([data[at] ^ 1]) + data[at + 1 :])


def test_a_file_of_another_kind_is_refused() -> None:
    with pytest.raises(TokenizerError, match="PLMT"):
        unpack_vocabulary(b'{"version": "1.0", "truncation": null}')


def test_another_version_is_refused_before_it_is_read(vocabulary: Vocabulary) -> None:
    with pytest.raises(TokenizerError, match=r"version 2.*expected version 1"):
        unpack_vocabulary(pack_vocabulary(vocabulary).replace(b"PLMT\x01", b"PLMT\x02"))


@pytest.mark.parametrize(
    ("old", "new", "named"),
    [
        (b'"NFC"', b'"NFD"', "normalizer"),
        (b'"qwen2"', b'"llama"', "pattern"),
        (b'"merges":21', b'"merges":"a', "JSON"),
        (b'"merges":21', b'"merger":21', "merges"),
        (b'"merges":21', b'"merges":22', "merged tokens"),
        (b'"vocab_tokens":277', b'"vocab_tokens":20', "merged tokens"),
        (b'"first_id":0', b'"first_id":null', "merged tokens"),
        (b'"whole_tokens":true', b'"whole_tokens":null', "whole_tokens"),
        (b'"special":true', b'"special":null', "special"),
        (b'"added_tokens":[', b'"added_tokens":1,"x":[', "added_tokens"),
        (b'"added_tokens":[', b'"added_tokens":[7,', "added_tokens"),
    ],
)
def test_a_wrong_header_is_refused_by_key(vocabulary: Vocabulary, old: bytes, new: bytes, named: str) -> None:
    data = pack_vocabulary(vocabulary)
    (header_bytes,) = struct.unpack_from("<I", data, 8)
    header = data[12 : 12 + header_bytes]
    assert header.count(old) >= 1
    header = header.replace(old, new, 1)
    content = data[:8] + struct.pack("<I", len(header)) + header + data[12 + header_bytes : -4]
    with pytest.raises(TokenizerError, match=named):
        unpack_vocabulary(content + struct.pack("<I", crc32(content)))
