"""A chat from a file of someone else's: what stands in it is shown as text, wherever a chat shows text."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

from playwright.sync_api import expect

from browser.chat_page import ChatPage

MARKUP = (
    "<img src=x onerror=\"document.documentElement.dataset.owned='yes'\">"
    "<script>document.documentElement.dataset.owned='yes'</script>"
    '<a href="javascript:alert(1)">a</a><style>body{display:none}</style>'
)
FORGED = ["img", "script", "style", "iframe", "[onerror]", "[href^=javascript]"]


def hostile(place: str) -> str:
    return f"{place} {MARKUP}"


def chat_file() -> dict[str, object]:
    call = {"name": hostile("name"), "arguments": {hostile("key"): hostile("value")}}
    return {
        "format": "pagelm-chat",
        "version": 1,
        "model": "pico",
        "enable_thinking": True,
        "overflow": "truncate-oldest-turns",
        "dropped_messages": 0,
        "messages": [
            {"role": "system", "content": hostile("system")},
            {"role": "user", "content": hostile("question")},
            {
                "role": "assistant",
                "content": hostile("before"),
                "reasoning_content": hostile("reasoning"),
                "tool_calls": [{"type": "function", "function": call}],
            },
            {"role": "tool", "content": hostile("result")},
            {"role": "assistant", "content": hostile("answer"), "reasoning_content": hostile("then")},
        ],
    }


def test_text_of_a_file_stays_text_in_every_place_of_the_page(
    open_chat: Callable[..., ChatPage], tmp_path: Path
) -> None:
    chat = open_chat("?backend=wasm")
    page = chat.page
    path = tmp_path / f"{'<b>'}chat.json"
    path.write_text(json.dumps(chat_file()))
    page.get_by_role("button", name="Settings").click()
    with page.expect_file_chooser() as chooser:
        page.get_by_role("button", name="Open a file").click()
    chooser.value.set_files(path)
    expect(chat.answers).to_have_count(1)
    page.get_by_role("button", name="Settings").click()
    expect(page.get_by_label("System prompt")).to_have_value(hostile("system"))
    page.get_by_role("button", name="Close settings").click()
    answer = chat.answers.first
    for thought in answer.get_by_role("button", name="Thought").all():
        thought.click()
    answer.get_by_role("button", name="Called").click()
    expect(chat.questions.first).to_contain_text(hostile("question"))
    for place in ("reasoning", "then", "name", "key", "value", "result"):
        expect(answer).to_contain_text(hostile(place))
    for place in ("before", "answer"):  # Markdown, which takes no HTML
        expect(answer).to_contain_text(f"{place} ")
    expect_nothing_forged(chat)
    page.reload()
    chat.wait_until_ready()
    page.get_by_role("button", name="New chat").click()
    page.get_by_role("button", name="Chats", exact=True).click()
    expect(page.get_by_role("dialog", name="Chats")).to_contain_text("question <img src=x")
    expect_nothing_forged(chat)


def expect_nothing_forged(chat: ChatPage) -> None:
    body = chat.page.locator("body")
    expect(body).to_be_visible()
    for selector in FORGED:
        assert body.locator(selector).evaluate_all("found => found.map((each) => each.outerHTML)") == []
    assert chat.page.evaluate("document.documentElement.dataset.owned") is None
