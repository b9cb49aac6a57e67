"""For any tokens: a guess is what stood behind the same tokens before."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from pagelm.prompt_lookup import PromptLookup

patient = settings(deadline=None)
# few different tokens, so that much of it repeats
texts = st.lists(st.integers(0, 3), max_size=60)


def lookup_after(prompt: list[int], said: list[int]) -> PromptLookup:
    lookup = PromptLookup(prompt)
    for token_id in said:
        lookup.accept(token_id)
    return lookup


@patient
@given(prompt=texts, said=texts, most=st.integers(0, 15))
def test_a_guess_is_what_stood_behind_the_last_two_tokens(
    prompt: list[int], said: list[int], most: int
) -> None:
    drafted = lookup_after(prompt, said).draft(most)
    assert len(drafted) <= most
    text = prompt + said
    places = [place for place in range(2, len(text)) if text[place - 2 : place] == text[-2:]]
    # behind the end, a guess goes on with itself
    whole = text + drafted
    assert not drafted or any(whole[place : place + len(drafted)] == drafted for place in places)


@patient
@given(text=st.lists(st.integers(0, 99), unique=True, max_size=60), split=st.integers(0, 60))
def test_text_without_repetition_gives_no_guess(text: list[int], split: int) -> None:
    lookup = PromptLookup(text[:split])
    for token_id in text[split:]:
        assert lookup.draft(15) == []
        lookup.accept(token_id)


@patient
@given(circle=st.lists(st.integers(0, 99), min_size=1, max_size=9), most=st.integers(1, 15))
def test_what_goes_in_circles_is_guessed_in_full(circle: list[int], most: int) -> None:
    drafted = lookup_after([], circle * 40).draft(most)
    assert drafted == [circle[index % len(circle)] for index in range(most)]
