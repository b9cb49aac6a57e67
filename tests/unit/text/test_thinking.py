"""Reasoning and answer, however the stream is cut."""

from __future__ import annotations

import pytest

from pagelm.thinking import Section, ThinkingEvent, ThinkingSplitter, open_section


def split(pieces: list[str], starts_in: Section = "text") -> dict[str, str]:
    """All text of each kind, in the order in which the kinds first came."""
    splitter = ThinkingSplitter(starts_in)
    texts: dict[str, str] = {}
    for events in (*map(splitter.push, pieces), splitter.finish()):
        for kind, text in events:
            assert text
            texts[kind] = texts.get(kind, "") + text
    return texts


REPLY = "<think>\nOne < two.\n\nThree <b> four\n</think>\n\nThe answer\n\nis 5 < 6.\n"
PARTS = {"reasoning": "One < two.\n\nThree <b> four", "text": "The answer\n\nis 5 < 6.\n"}


@pytest.mark.parametrize("size", range(1, len(REPLY) + 1))
def test_a_reply_cut_into_pieces_of_any_size_splits_the_same(size: int) -> None:
    assert split([REPLY[at : at + size] for at in range(0, len(REPLY), size)]) == PARTS


@pytest.mark.parametrize("at", range(len(REPLY)))
def test_a_reply_cut_anywhere_splits_the_same(at: int) -> None:
    assert split([REPLY[:at], "", REPLY[at:]]) == PARTS


def test_text_is_handed_out_as_soon_as_it_cannot_be_a_tag() -> None:
    splitter = ThinkingSplitter()
    assert splitter.push("a <") == [ThinkingEvent("text", "a ")]
    assert splitter.push("th") == []
    assert splitter.push("ree") == [ThinkingEvent("text", "<three")]


def test_one_piece_may_hold_everything() -> None:
    assert ThinkingSplitter().push("<think>\na\n</think>\n\nb") == [
        ThinkingEvent("reasoning", "a"),
        ThinkingEvent("text", "b"),
    ]


def test_a_prompt_that_opened_the_block_leaves_reasoning_first() -> None:
    assert split(["\nsteps", "\n</think>\n\nanswer"], "reasoning") == {"reasoning": "steps", "text": "answer"}


def test_a_reply_without_tags_is_text_as_it_is() -> None:
    assert split(["\n\nhe", "llo\n"]) == {"text": "\n\nhello\n"}


def test_an_empty_block_gives_no_reasoning() -> None:
    assert split(["<think>", "\n\n", "</think>", "\n\n", "hi"]) == {"text": "hi"}


def test_newlines_before_the_block_are_dropped() -> None:
    assert split(["\n", "<think>", "a", "</think>b"]) == {"reasoning": "a", "text": "b"}


def test_spaces_beside_tags_are_kept() -> None:
    assert split(["<think> a \n", "</think>\n b"]) == {"reasoning": " a ", "text": " b"}


def test_reasoning_that_is_cut_off_is_flushed_without_its_last_newlines() -> None:
    assert split(["<think>\nabc <", "/thin"]) == {"reasoning": "abc </thin"}
    assert split(["<think>\nabc\n", "\n"]) == {"reasoning": "abc"}


def test_no_piece_of_a_tag_is_handed_out_when_tags_repeat() -> None:
    assert split(["a</think>b", "<think>c<", "think>d</th", "ink></think>e"]) == {
        "text": "abe",
        "reasoning": "cd",
    }


def test_a_tag_that_begins_inside_a_broken_tag_counts() -> None:
    assert split(["<thi", "<think>a<</thi", "</think>b"]) == {"text": "<thib", "reasoning": "a<</thi"}


def test_the_section_can_be_asked_while_streaming() -> None:
    splitter = ThinkingSplitter()
    sections = []
    for piece in ("<thi", "nk>", "a</think", ">"):
        splitter.push(piece)
        sections.append(splitter.section)
    assert sections == ["text", "reasoning", "reasoning", "text"]


def test_other_tags_can_be_named() -> None:
    splitter = ThinkingSplitter(open_tag="[", close_tag="]")
    assert splitter.push("[a]<think>") == [ThinkingEvent("reasoning", "a"), ThinkingEvent("text", "<think>")]


@pytest.mark.parametrize(
    ("prompt_ids", "section"),
    [
        ([], "text"),
        ([1, 2], "text"),
        ([1, 8, 2], "reasoning"),
        ([8, 1, 9, 3], "text"),
        ([8, 9, 8], "reasoning"),
    ],
)
def test_the_last_tag_of_the_prompt_decides_where_the_reply_begins(
    prompt_ids: list[int], section: Section
) -> None:
    assert open_section(prompt_ids, think_open_id=8, think_close_id=9) == section
