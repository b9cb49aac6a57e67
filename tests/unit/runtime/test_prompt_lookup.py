"""pagelm.prompt_lookup: what is guessed, how far, and from where."""

from __future__ import annotations

from pagelm.prompt_lookup import PromptLookup

TEXT = (10, 11, 12, 13, 14, 15, 16, 17, 18, 19)


def after(prompt: tuple[int, ...], *said: int) -> PromptLookup:
    lookup = PromptLookup(prompt)
    for token_id in said:
        lookup.accept(token_id)
    return lookup


def test_what_stood_behind_the_same_tokens_is_guessed() -> None:
    assert after(TEXT, 30, 11, 12, 13).draft(1) == [14]


def test_the_prompt_itself_may_end_in_the_middle_of_a_copy() -> None:
    assert PromptLookup((*TEXT, 30, 12, 13, 14, 15)).draft(1) == [16]


def test_tokens_that_stood_nowhere_before_give_no_guess() -> None:
    assert after(TEXT, 30, 31, 32).draft(8) == []
    assert PromptLookup().draft(8) == []


def test_one_token_alone_gives_no_guess() -> None:
    assert after(TEXT, 30, 14).draft(8) == []


def test_three_tokens_go_before_two() -> None:
    """After 2 3 the latest place says 5, after 1 2 3 it is 4."""
    prompt = (1, 2, 3, 4, 9, 2, 3, 5, 9, 8)
    assert after(prompt, 1, 2, 3).draft(1) == [4]


def test_the_latest_place_counts() -> None:
    prompt = (1, 2, 3, 4, 9, 1, 2, 3, 5, 9, 8)
    assert after(prompt, 1, 2, 3).draft(1) == [5]


def test_a_place_that_is_followed_rightly_is_followed_on() -> None:
    """The latest place of 1 2 3 is the second, but what is being copied is the first."""
    first, second = (7, 1, 2, 3, 4, 5), (8, 1, 2, 3, 9, 9)
    assert after((6, *first, *second), 6, 7, 1, 2, 3).draft(1) == [4]


def test_a_draft_is_no_longer_than_is_wanted() -> None:
    lookup = after(TEXT * 3, *TEXT)
    assert [len(lookup.draft(most)) for most in (-1, 0, 1, 3)] == [0, 0, 1, 3]


def test_what_repeats_itself_goes_on_beyond_its_end() -> None:
    lookup = PromptLookup()
    for token_id in (1, 2, 3) * 9:
        lookup.accept(token_id)
    assert lookup.draft(8) == [1, 2, 3, 1, 2, 3, 1, 2]


def test_trust_grows_while_guesses_hold_and_ends_where_they_do_not() -> None:
    held = after(TEXT * 2, *TEXT, *TEXT, *TEXT)
    assert len(held.draft(15)) == 15
    lookup = PromptLookup()
    lengths = []
    for number in range(40):  # the same pair before another token each time
        for token_id in (1, 2, 100 + number):
            lookup.accept(token_id)
            lengths.append(len(lookup.draft(15)))
    assert lengths[-30:] == [0] * 30
