"""pagelm.json_text: JSON of others is read, refused, and never the end of the interpreter."""

from __future__ import annotations

import pytest

from pagelm.json_text import MAX_DEPTH, load_json


def nested(depth: int) -> str:
    return "[" * depth + "]" * depth


def test_text_and_bytes_are_read() -> None:
    assert load_json('{"a": [1, "é"]}') == load_json('{"a": [1, "é"]}'.encode()) == {"a": [1, "é"]}


def test_the_greatest_depth_is_read() -> None:
    value = load_json(nested(MAX_DEPTH))
    for _ in range(MAX_DEPTH - 1):
        assert isinstance(value, list)
        (value,) = value
    assert value == []


@pytest.mark.parametrize("text", [nested(MAX_DEPTH + 1), "[" * 1_000_000, '{"a":' * 100_000])
def test_what_nests_deeper_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="nests deeper than 64 at character"):
        load_json(text)


def test_brackets_inside_strings_do_not_nest() -> None:
    text = "[" * 1000 + '\\"' + "{" * 1000
    assert load_json(f'["{text}"]') == [text.replace('\\"', '"')]


def test_width_is_not_depth() -> None:
    assert load_json("[" + ",".join(["[]"] * 1000) + "]") == [[]] * 1000


@pytest.mark.parametrize("text", ["", "{", '"\\', b"\xff", "[" * 65 + '"\\' * 100_000])
def test_what_is_no_json_is_refused(text: str | bytes) -> None:
    with pytest.raises(ValueError, match=r"."):
        load_json(text)
