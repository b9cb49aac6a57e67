"""Reasoning and answer, however the stream is cut. In the replies here ⟨ is the tag `<think>` and ⟩ is
`</think>`; whatever else looks like a tag is text.
"""

from __future__ import annotations

import re

import pytest

from pagelm.thinking import CLOSE_TAG, OPEN_TAG, Section, ThinkingEvent, ThinkingSplitter, open_section


def push(splitter: ThinkingSplitter, reply: str, size: int = 1000) -> list[ThinkingEvent]:
    """The events of a reply whose text comes in pieces of `size` characters."""
    events: list[ThinkingEvent] = []
    for piece in re.findall(rf"[⟨⟩]|[^⟨⟩]{{1,{size}}}", reply):
        if piece in "⟨⟩":
            events += splitter.push_tag(OPEN_TAG if piece == "⟨" else CLOSE_TAG)
        else:
            events += splitter.push(piece)
    return events


def split(reply: str, starts_in: Section = "text", size: int = 1000) -> dict[str, str]:
    """All text of each kind, in the order in which the kinds first came."""
    splitter = ThinkingSplitter(starts_in)
    texts: dict[str, str] = {}
    for kind, text in [*push(splitter, reply, size), *splitter.finish()]:
        assert text
        texts[kind] = texts.get(kind, "") + text
    return texts


REPLY = "\n⟨\nOne < two.\n\nThree <b> four\n⟩\n\nThe answer\n\nis 5 < 6.\n"
PARTS = {"reasoning": "One < two.\n\nThree <b> four", "text": "The answer\n\nis 5 < 6.\n"}


@pytest.mark.parametrize("size", range(1, len(REPLY) + 1))
def test_a_reply_cut_into_pieces_of_any_size_splits_the_same(size: int) -> None:
    assert split(REPLY, size=size) == PARTS


@pytest.mark.parametrize("reasoning", ["<think>", "</think>", "a </think> b", "<think>\n\n</think>"])
def test_what_looks_like_a_tag_is_reasoning_in_reasoning(reasoning: str) -> None:
    assert split(f"⟨{reasoning}⟩4.") == {"reasoning": reasoning, "text": "4."}


@pytest.mark.parametrize(
    "answer", ["<think>", "</think>", "<think>a</think>", "<thi", "a <think> b </think> c"]
)
def test_what_looks_like_a_tag_is_answer_in_the_answer(answer: str) -> None:
    assert split(answer) == {"text": answer}
    assert split(f"⟨hm⟩{answer}") == {"reasoning": "hm", "text": answer}


def test_tags_after_the_answer_began_are_part_of_it() -> None:
    assert split("It writes `⟨` before and `⟩` after.") == {
        "text": "It writes `<think>` before and `</think>` after."
    }
    assert split("⟨hm⟩It writes ⟨ and ⟩") == {
        "reasoning": "hm",
        "text": "It writes <think> and </think>",
    }


def test_an_opening_tag_while_it_thinks_is_part_of_the_reasoning() -> None:
    assert split("⟨It writes ⟨ first⟩4.") == {"reasoning": "It writes <think> first", "text": "4."}


def test_a_closing_tag_that_closes_nothing_is_part_of_the_answer() -> None:
    assert split("⟩4.") == {"text": "</think>4."}
    assert split("⟨hm⟩4.⟩⟩") == {"reasoning": "hm", "text": "4.</think></think>"}


def test_a_second_block_before_the_answer_is_reasoning_too() -> None:
    assert split("⟨\n\n⟩\n\n⟨\nhm\n⟩\n\n4.") == {"reasoning": "hm", "text": "4."}
    assert split("⟨a⟩\n⟨b⟩4.") == {"reasoning": "ab", "text": "4."}


def test_an_opening_tag_that_the_prompt_has_already_is_dropped() -> None:
    assert split("\n⟨\nhm\n⟩\n\n4.", "reasoning") == {"reasoning": "hm", "text": "4."}


def test_text_is_handed_out_at_once() -> None:
    splitter = ThinkingSplitter()
    assert splitter.push("a <thi") == [ThinkingEvent("text", "a <thi")]
    assert splitter.push("\n") == [ThinkingEvent("text", "\n")]


def test_white_space_waits_until_it_is_known_to_belong_to_the_answer() -> None:
    splitter = ThinkingSplitter()
    assert splitter.push(" \n") == []
    assert splitter.push("a") == [ThinkingEvent("text", " \na")]


def test_newlines_of_reasoning_wait_for_more_of_it() -> None:
    splitter = ThinkingSplitter("reasoning")
    assert splitter.push("a\n") == [ThinkingEvent("reasoning", "a")]
    assert splitter.push("b") == [ThinkingEvent("reasoning", "\nb")]


def test_a_prompt_that_opened_the_block_leaves_reasoning_first() -> None:
    assert split("\nsteps\n⟩\n\nanswer", "reasoning") == {"reasoning": "steps", "text": "answer"}


@pytest.mark.parametrize("reply", ["\n\nhello\n", " ", "\n"])
def test_a_reply_without_tags_is_text_as_it_is(reply: str) -> None:
    assert split(reply) == {"text": reply}


def test_an_empty_block_gives_no_reasoning() -> None:
    assert split("⟨\n\n⟩\n\nhi") == {"text": "hi"}


def test_white_space_before_the_block_is_dropped() -> None:
    assert split("\n \n⟨a⟩b") == {"reasoning": "a", "text": "b"}


def test_spaces_inside_the_block_and_after_it_are_kept() -> None:
    assert split("⟨ a \n⟩\n b") == {"reasoning": " a ", "text": " b"}


def test_reasoning_that_is_cut_off_is_flushed_without_its_last_newlines() -> None:
    assert split("⟨\nabc </thin") == {"reasoning": "abc </thin"}
    assert split("⟨\nabc\n\n") == {"reasoning": "abc"}


def test_the_section_can_be_asked_while_streaming() -> None:
    splitter = ThinkingSplitter()
    sections = []
    for piece in "\n⟨a⟩b⟨":
        push(splitter, piece)
        sections.append(splitter.section)
    assert sections == ["text", "reasoning", "reasoning", "text", "text", "text"]


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
