"""What becomes of Markdown that a model writes: the one place where model text turns into elements."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import Browser, Page

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


HOSTILE = [
    '<math><mtext><table><mglyph><style><img src=x onerror="globalThis.owned = 1">',
    '<svg><use href="data:image/svg+xml,x"/><script>globalThis.owned = 1</script>'
    '<a xlink:href="javascript:1">a</a></svg>',
    '<base href="https://evil.example/"><meta http-equiv="refresh" content="0;url=https://evil.example/">',
    '<form id="document" name="body" action="https://evil.example"><input name="attributes"></form>',
    '<p style="background:url(https://evil.example/?q)" id="cookie">x</p>'
    '<link rel="stylesheet" href="//evil.example">',
    '<iframe srcdoc="<script>parent.owned = 1</script>"></iframe><object data="https://evil.example"></object>',
    "![a](https://evil.example/q.png) ![b](data:image/svg+xml;base64,PHN2Zz4=) [c](data:text/html,x)",
    "[a](javascript&colon;owned=1) [b](java&#10;script:owned=1) <javascript:owned=1> "
    "[c]( \x01javascript:owned=1)",
    '[a](https://example.org/"onmouseover="owned=1) `<script>owned=1</script>` <b onclick="owned=1">b</b>',
    '| <img src=x onerror="globalThis.owned = 1"> | b |\n|---|---|\n'
    "| [x](javascript:owned=1) | <script>owned=1</script> |",
]

GROW = """async (markdown) => {
  const { mountMarkdown } = await import(new URL("markdown.js", document.baseURI).href);
  const root = document.createElement("div");
  document.body.append(root);
  const mounted = mountMarkdown(root);
  for (let end = 1; end < markdown.length; end += 3) mounted.update(markdown.slice(0, end));
  mounted.update(markdown);
  await new Promise((resolve) => setTimeout(resolve, 50));
  const found = {
    owned: globalThis.owned ?? null,
    elements: [...new Set([...root.querySelectorAll("*")].map((each) => each.localName))],
    attributes: [...new Set([...root.querySelectorAll("*")].flatMap((each) => each.getAttributeNames()))],
    schemes: [...new Set([...root.querySelectorAll("[href]")].map((each) => new URL(each.href).protocol))],
  };
  root.remove();
  return found;
}"""


@pytest.fixture(scope="module")
def site_page(browser: Browser, site_url: str) -> Iterator[Page]:
    """A page of the site; what it asks of other origins fails the test, as everywhere."""
    page = browser.new_page()
    page.goto(site_url + "site.json")
    yield page
    page.close()


@pytest.mark.parametrize("markdown", HOSTILE)
def test_nothing_of_it_runs_or_leaves_while_it_arrives(site_page: Page, markdown: str) -> None:
    found = site_page.evaluate(GROW, markdown)
    assert found["owned"] is None
    assert not {"script", "img", "style", "svg", "math", "iframe", "form", "base", "meta"} & {
        *found["elements"]
    }
    assert {*found["attributes"]} <= {
        "href",
        "title",
        "target",
        "rel",
        "class",
        "role",
        "tabindex",
        "type",
    } | {"aria-label"}
    assert {*found["schemes"]} <= {"https:", "http:", "mailto:"}


@pytest.mark.parametrize(
    "markdown",
    [
        ">" * 10_000 + "x",
        "- " * 2_000 + "x",
        "*" * 5_000 + "a" + "*" * 5_000,
        "_a*" * 20_000,
        "a." * 50_000 + "@",
        "word " * 200_000,
        "|" + "a|" * 10_000 + "\n|" + "-|" * 10_000 + "\n|" + "b|" * 10_000,
        "\n".join("  " * level + "- a" for level in range(1_000)),
    ],
    ids=["quotes", "lists", "emphasis", "marks", "address", "line", "table", "levels"],
)
def test_what_would_take_the_pages_time_or_stack_is_shown_as_it_is(
    render: Callable[[str], str], markdown: str
) -> None:
    html = render(markdown)
    assert "<pre" in html
    assert html.count("<") < 100
