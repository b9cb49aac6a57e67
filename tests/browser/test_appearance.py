"""What the page looks like and what it lets a model do to it: widths, themes, hostile answers."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest
from playwright.sync_api import Browser, Page, expect

from browser.chat_page import ChatPage

HOSTILE_ANSWER = """
<script>document.title = "owned"</script>
<img src=x onerror="document.title = 'owned'">
[click](javascript:document.title='owned') <a href="data:text/html,<script>1</script>">data</a>
<form action="https://example.org"><input name="secret"></form>
<iframe src="https://example.org"></iframe>
<div style="position:fixed;inset:0" onclick="document.title='owned'">cover</div>

| a | b |
|---|---|
""" + "\n".join(f"| {'wide ' * 40} | {row} |" for row in range(50))


@pytest.mark.parametrize("width", [320, 390, 1280])
def test_nothing_is_wider_than_the_window(browser: Browser, site_url: str, width: int) -> None:
    context = browser.new_context(viewport={"width": width, "height": 800}, service_workers="block")
    chat = ChatPage(context.new_page())
    chat.page.goto(site_url + "?backend=wasm")
    chat.wait_until_ready()
    show_answer(chat.page, HOSTILE_ANSWER)
    assert chat.page.evaluate("() => document.documentElement.scrollWidth - innerWidth") <= 0
    for name in ("New chat", "Settings", "Send"):
        box = chat.page.get_by_role("button", name=name, exact=True).bounding_box()
        assert box is not None
        assert box["x"] >= 0
        assert box["x"] + box["width"] <= width
    context.close()


def show_answer(page: Page, answer: str) -> None:
    """Put an answer into the stored chat, as if the model had written it, and reload."""
    turn = {
        "id": 1,
        "question": "q",
        "enableThinking": False,
        "status": "finished",
        "reasoning": "",
        "answer": answer,
        "thinkingSince": None,
        "thinkingMs": 0,
        "finishReason": "stop",
        "usage": None,
        "error": None,
    }
    stored = json.dumps({"version": 1, "turns": [turn], "nextId": 2, "draft": "", "sampling": {}})
    page.add_init_script(f"sessionStorage.setItem('pagelm.chat.pico', {json.dumps(stored)})")
    page.reload()
    expect(page.get_by_role("article", name="Answer")).to_have_count(1)


def test_a_hostile_answer_can_do_nothing(open_chat: Callable[..., ChatPage]) -> None:
    chat = open_chat("?backend=wasm")
    show_answer(chat.page, HOSTILE_ANSWER)
    answer = chat.answers.first
    expect(answer.get_by_role("table")).to_be_visible()
    for selector in (
        "script",
        "iframe",
        "form",
        "input",
        "img[src^='x']",
        "[onclick]",
        "[onerror]",
        "[style]",
    ):
        expect(answer.locator(selector)).to_have_count(0)
    links = answer.locator("a[href]").evaluate_all("(links) => links.map((link) => link.protocol)")
    assert set(links) <= {"http:", "https:", "mailto:"}
    assert chat.page.title() != "owned"


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_text_has_enough_contrast_in_both_themes(browser: Browser, site_url: str, scheme: str) -> None:
    context = browser.new_context(color_scheme=scheme, service_workers="block")  # type: ignore[arg-type]  # Playwright's literal
    page = context.new_page()
    page.goto(site_url + "?backend=wasm")
    ChatPage(page).wait_until_ready()
    ratio = page.evaluate(CONTRAST)
    assert ratio >= 4.5
    context.close()


# The least contrast of visible text to what is painted behind it, as WCAG 2 computes it.
CONTRAST = """() => {
  const context = new OffscreenCanvas(1, 1).getContext("2d", { willReadFrequently: true });
  const rgba = (color) => {
    context.clearRect(0, 0, 1, 1);
    context.fillStyle = color;
    context.fillRect(0, 0, 1, 1);
    return [...context.getImageData(0, 0, 1, 1).data];
  };
  const luminance = ([r, g, b]) => {
    const linear = (v) => (v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4);
    const [x, y, z] = [r, g, b].map((v) => linear(v / 255));
    return 0.2126 * x + 0.7152 * y + 0.0722 * z;
  };
  const behind = (node) => {
    for (let at = node; at; at = at.parentElement) {
      const color = rgba(getComputedStyle(at).backgroundColor);
      if (color[3] === 255) return color;
    }
    return [255, 255, 255, 255];
  };
  let least = Infinity;
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (walker.nextNode()) {
    const node = walker.currentNode.parentElement;
    if (!walker.currentNode.data.trim() || !node.checkVisibility({ visibilityProperty: true })) continue;
    if (node.closest(":disabled, .plm-visually-hidden, title, script, noscript")) continue;
    const text = luminance(rgba(getComputedStyle(node).color));
    const [a, b] = [text, luminance(behind(node))].sort((x, y) => y - x);
    least = Math.min(least, (a + 0.05) / (b + 0.05));
  }
  return least;
}"""
