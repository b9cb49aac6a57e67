"""A small real vocabulary: bytes, 21 merges that spell a few words, and some of Qwen3's added tokens."""

from __future__ import annotations

from dataclasses import replace

from pagelm.vocabulary_format import AddedToken, Vocabulary

MERGES = (
    (b"h", b"e"), (b"l", b"l"), (b"he", b"ll"), (b"hell", b"o"), (b" ", b"w"), (b"o", b"r"), (b" w", b"or"),
    (b"l", b"d"), (b" wor", b"ld"), (b"\xc3", b"\xa9"), (b"i", b"m"), (b"im", b"_"), (b"e", b"n"),
    (b"en", b"d"), (b"t", b"h"), (b"i", b"n"), (b"th", b"in"), (b"thin", b"k"),
    (b"\n", b"\n"), (b"<", b"|"), (b"|", b">"),
)  # fmt: skip
CONTENTS = (
    "<|endoftext|>",
    "<|im_start|>",
    "<|im_end|>",
    "<tool_call>",
    "</tool_call>",
    "<think>",
    "</think>",
)


def make_vocabulary(first_id: int = 0) -> Vocabulary:
    """256 bytes, merge i as id 256 + i, then added tokens, as in Qwen3; or all of it `first_id` higher."""
    entries = 256 + len(MERGES)
    return Vocabulary(
        normalizer="NFC",
        pattern="qwen2",
        base=bytes(range(256)),
        tokens=[left + right for left, right in MERGES],
        cuts=bytes(len(left) for left, _ in MERGES),
        ids=range(first_id, first_id + entries),
        whole_tokens=True,
        added_tokens=tuple(
            AddedToken(first_id + entries + i, content, content.startswith("<|"))
            for i, content in enumerate(CONTENTS)
        ),
    )


def without_tags(vocabulary: Vocabulary) -> Vocabulary:
    """The same, with no token for `<think>` and `</think>`."""
    kept = tuple(token for token in vocabulary.added_tokens if "think" not in token.content)
    return replace(vocabulary, added_tokens=kept)
