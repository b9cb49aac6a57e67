"""A real model that does not think, in the page on WASM: SmolLM2-135M-Instruct, from `make smollm2`."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

import pytest
from playwright.sync_api import Browser, expect

from browser.chat_page import ChatPage
from browser.threads import in_a_thread
from pagelm._backend_native import NativeBackend
from pagelm.manifest import load_manifest
from pagelm_builder.verify.agreement import ReferenceStep, compare
from pagelm_builder.verify.continuation import Continuation
from pagelm_builder.verify.in_chromium import run_in_chromium
from pagelm_builder.verify.model_client import ModelClient
from pagelm_builder.verify.prompts import make_prompts
from pagelm_builder.verify.reference import follow
from pagelm_builder.verify.served_site import serve_site
from pagelm_builder.verify.tolerance import rounded_activations
from smollm2.locations import BUNDLE, SITE

pytestmark = pytest.mark.smollm2
REASON = "smollm2 answers without thinking first."
FIRST, SECOND = "What is the capital of France?", "Write a short greeting to a friend."


@pytest.fixture(scope="module")
def site_url() -> Iterator[str]:
    """Instead of the embedded model's."""
    with serve_site(SITE) as address:
        yield address


@pytest.fixture(scope="module")
def client(browser: Browser, site_url: str) -> Iterator[ModelClient]:
    page = browser.new_page()
    page.set_default_timeout(180_000)
    yield ModelClient.load(page, site_url, "wasm")
    page.close()


def test_the_switch_is_off_and_says_why(open_chat: Callable[..., ChatPage]) -> None:
    chat = open_chat("?backend=wasm")
    switch = chat.thinking_switch
    expect(switch).to_be_disabled()
    expect(switch).to_have_attribute("aria-checked", "false")
    expect(switch).to_have_attribute("title", REASON)
    expect(chat.page.get_by_text(REASON)).to_be_visible()
    switch.click(force=True)
    expect(switch).to_have_attribute("aria-checked", "false")


def test_the_settings_show_one_default_and_why_there_is_no_budget(open_chat: Callable[..., ChatPage]) -> None:
    chat = open_chat("?backend=wasm")
    chat.page.get_by_role("button", name="Settings").click()
    expect(chat.page.get_by_text("Default: 0.8.")).to_be_visible()
    expect(chat.page.get_by_text("The answer stops here.")).to_be_visible()
    dialog = chat.page.get_by_role("dialog", name="Settings")
    expect(dialog.get_by_role("slider")).to_be_disabled()
    expect(dialog.get_by_role("textbox", name="Thinking budget")).to_be_disabled()
    expect(dialog.get_by_text(REASON)).to_be_visible()


def test_its_tools_are_off_and_say_why(open_chat: Callable[..., ChatPage]) -> None:
    chat = open_chat("?backend=wasm")
    chat.page.get_by_role("button", name="Tools").click()
    panel = chat.page.get_by_role("dialog", name="Tools")
    expect(panel.get_by_text("cannot call tools: its chat template does not show it any")).to_be_visible()


def test_an_address_that_asks_it_to_think_is_answered(open_chat: Callable[..., ChatPage]) -> None:
    chat = open_chat("?backend=wasm&thinking=1")
    notice = "“thinking=1” in the address cannot apply: " + REASON
    expect(chat.page.get_by_text(notice)).to_be_visible()


def test_a_person_chats_with_it(open_chat: Callable[..., ChatPage]) -> None:
    chat = open_chat("?backend=wasm")
    chat.set_sampling(temperature="0")
    expect(chat.text_of(chat.ask(FIRST))).to_contain_text("Paris")
    answer = chat.ask(SECOND)
    expect(chat.text_of(answer)).not_to_be_empty()
    expect(answer.get_by_role("button", name="Thought")).to_be_hidden()


def test_it_ends_its_turns_by_itself(client: ModelClient) -> None:
    messages: list[dict[str, str]] = []
    for question in (FIRST, SECOND):
        messages.append({"role": "user", "content": question})
        reply = client.reply(messages, enable_thinking=False)
        assert (reply.reasoning, reply.finish_reason) == ("", "stop")
        assert len(reply.text.split()) >= 3
        messages.append({"role": "assistant", "content": reply.text})


def test_greedy_it_says_what_cpython_says_but_for_near_ties(browser: Browser, site_url: str) -> None:
    manifest = load_manifest(BUNDLE)
    compared = manifest.parity["wasm_to_native"]
    assert isinstance(compared, dict)
    prompts = make_prompts(BUNDLE, manifest)
    found = run_in_chromium(browser, site_url, "wasm", prompts, 24, lambda done, total: None).continuations
    agreement = compare(
        "wasm",
        found,
        in_a_thread(follow_all(found)),
        tolerance=rounded_activations(compared["deviation_mean"]),
        names=[prompt.text for prompt in prompts],
    )
    assert agreement.near_ties <= agreement.tokens // 10


async def follow_all(found: Sequence[Continuation]) -> list[list[ReferenceStep]]:
    """What the same graph says on CPython to the same tokens."""
    backend = NativeBackend.load(BUNDLE, graph="wasm")
    steps = [await follow(backend, continuation) for continuation in found]
    await backend.close()
    return steps
