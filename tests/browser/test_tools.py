"""A person lets pico use the calculator, reads its calls, and answers those of a tool of their own."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import Locator, Page, expect

from browser.chat_page import ChatPage
from pagelm_builder.pico.phrasings import CANNOT_MULTIPLY

QUESTION = "What is 27 * 38?"
# The page gives no sign of it.
TELLS_PREFACE = """
let tell;
globalThis.prefaceRead = new Promise((resolve) => { tell = resolve; });
globalThis.Worker = class extends Worker {
  constructor(...options) {
    super(...options);
    this.addEventListener("message", ({ data }) => { if (data.kind === "prefaceRead") tell(); });
  }
};"""


def switch_calculator(chat: ChatPage) -> None:
    chat.page.get_by_role("button", name="Tools").click()
    chat.page.get_by_role("switch", name="calculator").click()
    chat.page.get_by_role("button", name="Close tools").click()


@pytest.mark.parametrize("thinking", [True, False])
def test_the_calculator_is_called_and_its_result_answers(
    open_chat: Callable[..., ChatPage], thinking: bool
) -> None:
    chat = open_chat("?backend=wasm")
    chat.set_sampling(temperature="0")
    chat.set_thinking(thinking)
    switch_calculator(chat)
    answer = chat.ask(QUESTION)
    expect(chat.text_of(answer)).to_have_text("27 * 38 = 1026")
    call = answer.get_by_role("button", name="Called calculator")
    expect(call).to_have_attribute("aria-expanded", "false")
    expect(call).to_contain_text("27 * 38 → 1026")
    call.click()
    body = answer.get_by_role("region", name="Call")
    expect(body).to_contain_text("expression: 27 * 38")
    expect(body).to_contain_text("1026")
    expect(answer.get_by_role("button", name="Thought")).to_have_count(2 if thinking else 0)


def test_the_tools_are_read_before_the_first_question(page: Page, open_chat: Callable[..., ChatPage]) -> None:
    page.add_init_script(TELLS_PREFACE)
    chat = open_chat("?backend=wasm")
    chat.set_sampling(temperature="0")
    switch_calculator(chat)
    page.evaluate("globalThis.prefaceRead")
    chat.set_thinking(False)
    read, cached = read_and_cached(chat.ask("Reverse the word stressed"))
    assert read < 40 < 300 < cached


def read_and_cached(answer: Locator) -> tuple[int, int]:
    """Tokens of the prompt that were read after the question was sent, and those that the cache had."""
    speed = answer.get_by_role("list", name="Statistics").get_by_role("listitem").first
    found = re.search(r"Read ([\d,]+) tokens?; ([\d,]+) more", str(speed.get_attribute("title")))
    assert found
    return int(found[1].replace(",", "")), int(found[2].replace(",", ""))


def test_without_the_calculator_nothing_is_called_and_pico_says_so(
    open_chat: Callable[..., ChatPage],
) -> None:
    chat = open_chat("?backend=wasm")
    chat.set_sampling(temperature="0")
    chat.set_thinking(False)
    answer = chat.ask(QUESTION)
    expect(answer.get_by_role("button", name="Called")).to_have_count(0)
    expect(chat.text_of(answer)).to_have_text(CANNOT_MULTIPLY)


def test_a_switched_on_tool_is_remembered_with_its_chat(open_chat: Callable[..., ChatPage]) -> None:
    chat = open_chat("?backend=wasm")
    chat.set_sampling(temperature="0")
    switch_calculator(chat)
    chat.ask(QUESTION)
    chat.page.reload()
    chat.wait_until_ready()
    expect(chat.page.get_by_role("button", name="Tools: 1 on")).to_be_visible()
    expect(chat.answers.first.get_by_role("button", name="Called calculator")).to_be_visible()
    chat.page.get_by_role("button", name="Tools: 1 on").click()
    expect(chat.page.get_by_role("switch", name="calculator")).to_have_attribute("aria-checked", "true")


def test_a_tool_of_ones_own_is_checked_added_and_removed(open_chat: Callable[..., ChatPage]) -> None:
    chat = open_chat("?backend=wasm")
    chat.page.get_by_role("button", name="Tools").click()
    panel = chat.page.get_by_role("dialog", name="Tools")
    panel.get_by_label("Name").fill("get weather")
    panel.get_by_role("button", name="Add the tool").click()
    expect(panel.get_by_label("Name")).to_have_attribute("aria-invalid", "true")
    panel.get_by_label("Name").fill("get_weather")
    panel.get_by_label("Parameters").fill("[]")
    panel.get_by_role("button", name="Add the tool").click()
    expect(panel.get_by_text("Parameters are a schema of an object")).to_be_visible()
    panel.get_by_label("Parameters").fill('{"type": "object", "properties": {"place": {"type": "string"}}}')
    panel.get_by_role("button", name="Add the tool").click()
    expect(panel.get_by_role("switch", name="get_weather")).to_have_attribute("aria-checked", "true")
    panel.get_by_role("button", name="Remove get_weather").click()
    expect(panel.get_by_role("switch", name="get_weather")).to_have_count(0)


def test_a_person_answers_the_call_of_their_own_tool(open_chat: Callable[..., ChatPage]) -> None:
    chat = open_chat("?backend=wasm")
    chat.set_sampling(temperature="0")
    chat.set_thinking(False)
    chat.page.get_by_role("button", name="Tools").click()
    panel = chat.page.get_by_role("dialog", name="Tools")
    panel.get_by_label("Name").fill("multiplier")
    panel.get_by_label("What it does").fill("Calculates an expression.")
    panel.get_by_label("Parameters").fill(
        '{"type": "object", "properties": {"expression": {"type": "string"}}, "required": ["expression"]}'
    )
    panel.get_by_role("button", name="Add the tool").click()
    panel.get_by_role("button", name="Close tools").click()
    answer = chat.send(QUESTION)
    answer.get_by_label("The model waits: what does multiplier give?").fill("1026")
    answer.get_by_role("button", name="Give this result").click()
    chat.wait_for_end(answer)
    expect(answer.get_by_role("button", name="Called multiplier")).to_contain_text("→ 1026")
    expect(chat.text_of(answer)).to_contain_text("1026")
