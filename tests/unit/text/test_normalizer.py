"""NFC by the tables that Hugging Face `tokenizers` has, on any interpreter. All of Unicode: tests/parity."""

from __future__ import annotations

import pytest

from pagelm.normalizer import normalize_nfc, replace_surrogates


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("e\u0301", "é"),
        ("\u212b", "Å"),
        ("\u1100\u1161\u11a8", "각"),
        ("a\u0301\u0323", "\u1ea1\u0301"),
        (">\u0338", "\u226f"),
        ("\uf900", "\u8c48"),
        ("\u0958", "\u0915\u093c"),
    ],
)
def test_marks_compose_and_reorder(text: str, expected: str) -> None:
    assert normalize_nfc(text) == expected


@pytest.mark.parametrize("mark", ["\u0897", "\u09fe", "\u1ac8", "\U00010efd", "\U0001e08f"])
def test_a_mark_younger_than_the_reference_is_not_moved(mark: str) -> None:
    assert normalize_nfc(f"a{mark}\u0334e\u0301") == f"a{mark}\u0334é"


def test_letters_younger_than_the_reference_are_not_joined() -> None:
    assert normalize_nfc("\U000105d2\u0307e\u0301") == "\U000105d2\u0307é"
    assert normalize_nfc("\U00016121e\u0301") == "\U00016121é"
    assert normalize_nfc("\U00011382\U000113c9e\u0301") == "\U00011382\U000113c9é"


def test_surrogates_are_paired_or_replaced() -> None:
    assert replace_surrogates("a\ud83d\ude00\ud800") == "a😀\ufffd"
