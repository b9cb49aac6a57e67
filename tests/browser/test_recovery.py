"""A worker, or what it computes on, breaks: the model is loaded again, and the answer is the same.

Each fault is a real one (broken_worker.py): a GPU device that is destroyed, a worker that ends, memory of
WebAssembly that is overwritten or refused.
"""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable
from functools import cache

import pytest
from playwright.sync_api import Browser, Locator, Page, expect

from browser.broken_worker import Faults
from browser.chat_page import LOAD_MS, ChatPage
from browser.gpu_faults import HARDWARE
from browser.test_branching import go_to_chat
from browser.test_tools import switch_calculator

QUESTION = "What is 4 + 5?"
GREEDY = {"temperature": "0"}
# From its twelfth piece on another answer than the greedy one: with other draws it would not be.
DRAWN = {"temperature": "2", "top_p": "1", "seed": "31"}
# WASM rounds activations: what is read again at once may turn a draw as free as that one.
DRAWN_ON_WASM = {"temperature": "1", "seed": "7"}
LONG = "Answer in one line. " * 200


@pytest.fixture
def faults(page: Page) -> Faults:
    return Faults(page)


@pytest.fixture(scope="module")
def undisturbed(browser: Browser, site_url: str) -> Callable[..., str]:
    """What is told where nothing breaks."""

    @cache
    def tell_undisturbed(query: str, sampling: tuple[tuple[str, str], ...], before: str) -> str:
        page = browser.new_page()
        page.set_default_timeout(60_000)
        page.goto(site_url + query)
        told = told_by(ask(ChatPage(page), dict(sampling), before))
        page.close()
        return told

    return lambda query, sampling, before="": tell_undisturbed(query, tuple(sampling.items()), before)


def ask(chat: ChatPage, sampling: dict[str, str], before: str = "") -> Locator:
    chat.wait_until_ready()
    chat.set_sampling(**sampling)
    return chat.send(before + QUESTION)


def told_by(answer: Locator) -> str:
    """A whole answer, once it has ended, with its reasoning."""
    expect(answer).to_have_attribute("aria-busy", "false", timeout=LOAD_MS)
    expect(answer).not_to_contain_text("Stopped")
    answer.get_by_role("button", name="Thought").click()
    reasoning = answer.get_by_role("region", name="Reasoning").inner_text()
    return f"{reasoning}\n{ChatPage.text_of(answer).inner_text()}"


def expect_note(chat: ChatPage, text: str) -> None:
    expect(chat.note(text)).to_be_visible(timeout=LOAD_MS)
    expect(alert(chat)).to_have_count(0)


def alert(chat: ChatPage) -> Locator:
    return chat.page.get_by_role("alert").filter(visible=True)


def expect_next_answer(chat: ChatPage) -> None:
    chat.set_sampling(**GREEDY)
    expect(chat.text_of(chat.ask("What is 2 + 3?"))).to_have_text("2 + 3 = 5")


LOST = "The GPU was lost. The model is loaded again"
STOPPED = "The model stopped working. It is loaded again"
DURING_AN_ANSWER = {
    "GPU lost in prefill": ("?backend=webgpu", "the GPU", "generate", 1, DRAWN, LOST),
    "GPU lost in decode": ("?backend=webgpu", "the GPU", "piece", 10, DRAWN, LOST),
    "worker ended in prefill": ("?backend=wasm", "the worker", "generate", 1, GREEDY, STOPPED),
    "worker ended in decode": ("?backend=wasm", "the worker", "piece", 10, DRAWN_ON_WASM, STOPPED),
    "Python traps": ("?backend=wasm", "Python's memory", "piece", 10, GREEDY, STOPPED),
    "onnxruntime traps": ("?backend=wasm&threads=1", "onnxruntime's memory", "piece", 10, GREEDY, STOPPED),
}


@pytest.mark.parametrize("case", DURING_AN_ANSWER)
def test_the_answer_goes_on(
    page: Page, site_url: str, faults: Faults, undisturbed: Callable[..., str], case: str
) -> None:
    query, how, on, after, sampling, notice = DURING_AN_ANSWER[case]
    faults.inject(how, on, after=after)
    page.goto(site_url + query)
    chat = ChatPage(page)
    answer = ask(chat, sampling)
    expect_note(chat, notice)
    expect_note(chat, "the answer goes on where it was")
    assert (told := told_by(answer)) == undisturbed(query, sampling)
    assert ("Tens 4+5=9" in told) == (sampling == DRAWN)
    expect_next_answer(chat)
    assert len(faults.workers) == 2


@pytest.mark.parametrize(
    ("query", "how", "notice"),
    [("?backend=webgpu", "the GPU", LOST), ("?backend=wasm", "the worker", STOPPED)],
    ids=["GPU", "worker"],
)
def test_a_loss_while_nothing_runs_is_mended_before_the_next_question(
    page: Page, site_url: str, faults: Faults, query: str, how: str, notice: str
) -> None:
    faults.inject(how, "never")
    page.goto(site_url + query)
    chat = ChatPage(page)
    chat.wait_until_ready()
    faults.strike()
    expect_note(chat, f"{notice}.")
    chat.wait_until_ready()
    expect_next_answer(chat)


@pytest.mark.parametrize(
    ("query", "how", "stage"),
    [("?backend=webgpu", "the GPU", "warmup"), ("?backend=wasm", "the worker", "compile")],
    ids=["GPU", "worker"],
)
def test_a_loss_while_loading_loads_again_and_the_question_that_waits_is_answered(
    page: Page, site_url: str, faults: Faults, query: str, how: str, stage: str
) -> None:
    faults.inject(how, stage)
    page.goto(site_url + query)
    chat = ChatPage(page)
    answer = chat.send("What is 14 + 5?")
    expect_note(chat, "stopped working. It is loaded again.")
    expect(answer).to_have_attribute("aria-busy", "false", timeout=LOAD_MS)
    expect(chat.text_of(answer)).to_contain_text("19")


def test_a_call_that_a_loss_interrupts_is_run_again(page: Page, site_url: str, faults: Faults) -> None:
    faults.inject("the worker", "runTool")
    page.goto(site_url + "?backend=wasm")
    chat = ChatPage(page)
    chat.wait_until_ready()
    chat.set_sampling(temperature="0")
    switch_calculator(chat)
    answer = chat.send("What is 27 * 38?")
    expect_note(chat, STOPPED)
    expect(answer).to_have_attribute("aria-busy", "false", timeout=LOAD_MS)
    expect(chat.text_of(answer)).to_have_text("27 * 38 = 1026")
    expect(answer.get_by_role("button", name="Called calculator")).to_have_count(1)


def test_memory_that_is_refused_to_a_long_chat_is_found_in_a_fresh_worker(
    page: Page, site_url: str, faults: Faults, undisturbed: Callable[..., str]
) -> None:
    query = "?backend=wasm&threads=1"
    faults.inject("more memory", "generate")
    page.goto(site_url + query)
    chat = ChatPage(page)
    answer = ask(chat, GREEDY, LONG)
    expect_note(chat, "The memory ran out. The model is loaded again, and the answer goes on")
    assert told_by(answer) == undisturbed(query, GREEDY, LONG)


def test_a_branch_goes_on_after_a_loss_and_the_chat_it_came_from_is_kept(
    page: Page, site_url: str, faults: Faults
) -> None:
    faults.inject("the worker", "generate", after=3)
    page.goto(site_url + "?backend=wasm")
    chat = ChatPage(page)
    chat.wait_until_ready()
    chat.set_sampling(temperature="0")
    chat.ask("What is 27 + 38?")
    chat.ask("and plus 12?")
    chat.questions.last.get_by_role("button", name="Edit the question in a branch").click()
    expect(chat.answers).to_have_count(1)  # the branch is drawn
    chat.send("and plus 20?")
    expect_note(chat, STOPPED)
    expect(chat.answers.last).to_have_attribute("aria-busy", "false", timeout=LOAD_MS)
    expect(chat.text_of(chat.answers.last)).to_have_text("65 + 20 = 85")
    go_to_chat(chat, "and plus 12?")
    expect(chat.text_of(chat.answers.last)).to_have_text("65 + 12 = 77")


def test_a_second_loss_of_a_backend_that_was_asked_for_is_told_once_and_the_answer_goes_on_when_tried_again(
    page: Page, site_url: str, faults: Faults, undisturbed: Callable[..., str]
) -> None:
    query = "?backend=wasm"
    faults.inject("the worker", "piece", after=10, times=2)
    page.goto(site_url + query)
    chat = ChatPage(page)
    answer = ask(chat, DRAWN_ON_WASM)
    retry = alert(chat).get_by_role("button", name="Try again")
    expect(retry).to_be_visible(timeout=LOAD_MS)
    expect(alert(chat)).to_contain_text("The worker was ended by the browser")
    expect(answer).to_contain_text("Interrupted. It goes on when the model is loaded again.")
    expect(answer.get_by_role("button", name="Thought")).to_be_visible()
    retry.click()
    assert told_by(answer) == undisturbed(query, DRAWN_ON_WASM)
    expect(alert(chat)).to_have_count(0)
    expect_next_answer(chat)
    assert len(faults.workers) == 3


def test_a_gpu_that_is_lost_twice_is_left_for_wasm(page: Page, site_url: str, faults: Faults) -> None:
    faults.inject("the GPU", "piece", after=5, times=2, before=HARDWARE)
    page.goto(site_url)
    chat = ChatPage(page)
    answer = ask(chat, GREEDY)
    expect_note(chat, "WebGPU failed again. The model is loaded with WASM now, and the answer goes on")
    told = told_by(answer)
    assert told.endswith("4 + 5 = 9")
    chat.backend_badge.click()
    expect(page.get_by_role("region", name="Backend")).to_contain_text("WebGPU failed twice in a row")


def test_an_answer_is_stopped_while_the_model_is_loaded_again(
    page: Page, site_url: str, faults: Faults
) -> None:
    faults.inject("the worker", "piece", after=10)
    page.goto(site_url + "?backend=wasm")
    chat = ChatPage(page)
    answer = ask(chat, GREEDY)
    expect_note(chat, STOPPED)
    chat.stop_button.click()
    expect(answer).to_contain_text("Stopped")
    chat.wait_until_ready()
    expect_next_answer(chat)


def test_a_page_that_was_frozen_goes_on(
    page: Page, browser: Browser, site_url: str, undisturbed: Callable[..., str]
) -> None:
    query = "?backend=webgpu"  # in software: slow enough to be frozen in the middle
    page.goto(site_url + query)
    chat = ChatPage(page)
    answer = ask(chat, DRAWN)
    expect(answer.get_by_role("region", name="Reasoning")).to_be_visible()
    # Page.setWebLifecycleState does nothing to a page that is visible, and headless every page is.
    processes = browser.new_browser_cdp_session().send("SystemInfo.getProcessInfo")["processInfo"]
    renderers = [process["id"] for process in processes if process["type"] == "renderer"]
    for renderer in renderers:
        os.kill(renderer, signal.SIGSTOP)
    time.sleep(3)
    for renderer in renderers:
        os.kill(renderer, signal.SIGCONT)
    expect(answer).to_have_attribute("aria-busy", "true")
    assert told_by(answer) == undisturbed(query, DRAWN)
    expect(alert(chat)).to_have_count(0)
