"""What becomes of Markdown that a model writes: the one place where model text turns into elements."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import Browser

RENDER = """async (markdown) => {
  const { mountMarkdown } = await import(new URL("markdown.js", document.baseURI).href);
  const root = document.createElement("div");
  mountMarkdown(root).update(markdown);
  return root.innerHTML;
}"""


@pytest.fixture(scope="module")
def render(browser: Browser, site_url: str) -> Iterator[Callable[[str], str]]:
    """Markdown to HTML, by the page's own code."""
    page = browser.new_page()
    page.goto(site_url + "site.json")
    yield lambda markdown: page.evaluate(RENDER, markdown)
    page.close()


@pytest.mark.parametrize(
    "markdown",
    [
        "[a](javascript:alert(1))",
        "[a](JaVaScRiPt:alert(1))",
        "[a](  vbscript:x)",
        "[a](data:text/html,x)",
        "<javascript:alert(1)>",
        "[relative](relative.html)",
        "[other protocol](//evil.example)",
        '<a href="https://example.org" onclick="x">own HTML</a>',
    ],
)
def test_only_plain_web_and_mail_addresses_become_links(render: Callable[[str], str], markdown: str) -> None:
    assert "href" not in render(markdown).replace("&lt;a href", "")


def test_a_web_address_opens_elsewhere_and_takes_nothing_along(render: Callable[[str], str]) -> None:
    html = render("[t](https://example.org/x)")
    assert 'href="https://example.org/x"' in html
    assert 'target="_blank"' in html
    assert "noopener" in html


@pytest.mark.parametrize(
    "tag", ["script", "img", "iframe", "form", "input", "style", "svg", "object", "video"]
)
def test_dangerous_elements_never_appear(render: Callable[[str], str], tag: str) -> None:
    html = render(f'before <{tag} src="x" onerror="y" style="z">inside</{tag}> after')
    assert f"<{tag}" not in html
    assert "before" in html
    assert "after" in html


def test_an_image_is_shown_as_a_link_and_never_fetched(render: Callable[[str], str]) -> None:
    html = render("![a cat](https://example.org/cat.png)")
    assert "<img" not in html
    assert "a cat" in html


def test_what_people_expect_of_markdown_is_there(render: Callable[[str], str]) -> None:
    html = render("# T\n\n**b** `c`\n\n1. one\n\n| a | b |\n|---|---|\n| 1 | 2 |\n\n```python\nx < 1\n```")
    for part in ("<strong>b</strong>", "<code>c</code>", "<li>one", "<table>", "x &lt; 1", "<h3"):
        assert part in html
