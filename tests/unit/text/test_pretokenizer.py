"""Where the patterns cut. The whole of Unicode is compared with its reference in tests/parity."""

from __future__ import annotations

import pytest

from pagelm.pretokenizer import Pretokenizer


@pytest.mark.parametrize(
    ("text", "pieces"),
    [
        ("", []),
        ("hello world", ["hello", " world"]),
        ("don't DON'T we'LL", ["don", "'t", " DON", "'T", " we", "'LL"]),
        ("x = 12", ["x", " =", " ", "1", "2"]),
        ("a  b", ["a", " ", " b"]),
        ("end  ", ["end", "  "]),
        ("a \n\n b", ["a", " \n\n", " b"]),
        ("x;\r\ny", ["x", ";\r\n", "y"]),
        ("(foo)", ["(foo", ")"]),
        ("日本語 12", ["日本語", " ", "1", "2"]),
        ("٣٤", ["٣", "٤"]),
        ("½Ⅷ", ["½", "Ⅷ"]),
        ("e\u0301a", ["e", "\u0301a"]),
        ("a\u00a0b", ["a", "\u00a0b"]),
        ("a\u3000\u3000b", ["a", "\u3000", "\u3000b"]),
        ("\u00a0!", ["\u00a0", "!"]),
        ("a\x1cb\x1c\x1c", ["a", "\x1cb", "\x1c\x1c"]),
        ("!\x1c!\x1f?", ["!\x1c!\x1f?"]),
        ("a\u2028\nb", ["a", "\u2028\n", "b"]),
        ("👩‍👩‍👧é", ["👩‍👩‍👧", "é"]),
        ("'ſt 'st", ["'ſ", "t", " '", "st"]),
    ],
)
def test_text_is_cut_as_the_pattern_says(text: str, pieces: list[str]) -> None:
    assert Pretokenizer("qwen2").split(text) == pieces


@pytest.mark.parametrize("text", ["it's 12 o'clock\n\n  ok", "\t\x0b\x1c\x1f ~|1a", "A_b-c\r\n\r"])
def test_ascii_is_cut_the_same_within_other_text(text: str) -> None:
    assert (
        Pretokenizer("qwen2").split(f"{text}\n漢")[:-1][: len(text)]
        == Pretokenizer("qwen2").split(f"{text}\nZ")[:-1]
    )


@pytest.mark.parametrize(
    ("text", "pieces"),
    [
        ("in 1969 or 12345", ["in", " ", "196", "9", " or", " ", "123", "45"]),
        ("٣٤٥٦", ["٣٤٥", "٦"]),
        ("we'LL", ["we", "'LL"]),
    ],
)
def test_llama3_keeps_three_digits_together(text: str, pieces: list[str]) -> None:
    assert Pretokenizer("llama3").split(text) == pieces


@pytest.mark.parametrize(
    ("text", "pieces"),
    [
        ("hello world", ["hello", " world"]),
        ("we'll DON'T", ["we", "'ll", " DON", "'", "T"]),
        ("'ſt", ["'", "ſt"]),
        ("x = 12", ["x", " =", " ", "1", "2"]),
        ("a  b", ["a", " ", " b"]),
        ("a  1", ["a", "  ", "1"]),
        ("a\u2003\u2003１", ["a", "\u2003\u2003", "１"]),
        ("a\n\n b", ["a", "\n\n", " b"]),
        ("(foo)", ["(", "foo", ")"]),
        ("½Ⅷ", ["½", "Ⅷ"]),
        ("a\U00011de3b", ["a", "\U00011de3", "b"]),
    ],
)
def test_smollm_sets_digits_apart_and_cuts_the_rest_as_gpt2(text: str, pieces: list[str]) -> None:
    assert Pretokenizer("smollm").split(text) == pieces
