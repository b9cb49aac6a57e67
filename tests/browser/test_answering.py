"""A person asks, with thinking and without, and reads the answer; on WASM and on real WebGPU."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from browser.chat_page import ChatPage

BACKENDS = {"wasm": "WASM", "webgpu": "WebGPU"}


@pytest.mark.parametrize("backend", BACKENDS)
def test_reasoning_stands_above_the_answer_and_folds_away(
    open_chat: Callable[..., ChatPage], backend: str
) -> None:
    chat = open_chat(f"?backend={backend}")
    expect(chat.backend_badge).to_contain_text(BACKENDS[backend])
    chat.set_sampling(temperature="0")
    answer = chat.ask("What is 27 + 38?")
    expect(chat.text_of(answer)).to_have_text("27 + 38 = 65")
    toggle = answer.get_by_role("button", name="Thought")
    expect(toggle).to_have_attribute("aria-expanded", "false")
    toggle.click()
    reasoning = answer.get_by_role("region", name="Reasoning")
    expect(reasoning).to_be_visible()
    expect(reasoning).not_to_contain_text("<think>")
    reasoning_box, answer_box = reasoning.bounding_box(), chat.text_of(answer).bounding_box()
    assert reasoning_box is not None
    assert answer_box is not None
    assert reasoning_box["y"] < answer_box["y"]


@pytest.mark.parametrize("backend", BACKENDS)
def test_with_the_switch_off_it_answers_at_once(open_chat: Callable[..., ChatPage], backend: str) -> None:
    chat = open_chat(f"?backend={backend}")
    chat.set_sampling(temperature="0")
    chat.set_thinking(False)
    answer = chat.ask("Reverse the word stressed")
    expect(chat.text_of(answer)).to_have_text("desserts")
    expect(answer.get_by_role("button", name="Thought")).to_be_hidden()


def test_a_follow_up_builds_on_the_last_answer(open_chat: Callable[..., ChatPage]) -> None:
    chat = open_chat("?backend=wasm")
    chat.set_sampling(temperature="0")
    chat.ask("What is 27 + 38?")
    expect(chat.text_of(chat.ask("and plus 12?"))).to_have_text("65 + 12 = 77")


def test_a_question_asked_while_loading_is_answered(page: Page, site_url: str) -> None:

    page.goto(site_url + "?backend=wasm")
    chat = ChatPage(page)
    answer = chat.send("What is 27 + 38?")
    expect(chat.backend_badge).to_be_hidden()
    chat.wait_for_end(answer)
    expect(chat.text_of(answer)).to_have_text("27 + 38 = 65")


def test_the_badge_says_why_this_backend(open_chat: Callable[..., ChatPage]) -> None:
    chat = open_chat("?backend=wasm")
    chat.backend_badge.click()
    panel = chat.page.get_by_role("region", name="Backend")
    expect(panel).to_contain_text("asked for")
    expect(panel).to_contain_text("Graph wasm")


def test_figures_stand_below_an_answer(open_chat: Callable[..., ChatPage]) -> None:
    chat = open_chat("?backend=wasm")
    answer = chat.ask("What is 2 + 3?")
    statistics = answer.get_by_role("list", name="Statistics")
    for figure in ("Prefill", "Decode", "Context"):
        expect(statistics).to_contain_text(figure)
    expect(statistics).to_contain_text("tokens/s")
