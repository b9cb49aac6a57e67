"""A bundle that means harm, with hashes that are right: a named error, and a page that goes on."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Locator, Page, expect

from altered_bundle import replace_graph, replace_text_file
from browser.chat_page import LOAD_MS, ChatPage
from browser.faulty_host import serve_with_faults
from fakes import manifest_value

WORK = "{% for a in range(99999) %}{% for b in range(99999) %}{% endfor %}{% endfor %}"
GROW = "{% set n = namespace(l=[]) %}{% for a in range(99999) %}{% set n.l = [n.l, n.l] %}{% endfor %}"


@pytest.fixture
def bundle(dist: Path, tmp_path: Path) -> Path:
    """A copy of pico to be altered."""
    copy = tmp_path / "pico"
    shutil.copytree(dist / "models" / "pico", copy, ignore=shutil.ignore_patterns("*.br", "*.gz"))
    return copy


@pytest.fixture
def hostile_url(dist: Path, bundle: Path) -> Iterator[str]:
    """The site with that copy in the place of pico."""
    with serve_with_faults({"/": dist, "/models/pico/": bundle}) as host:
        yield host.url + "index.html?backend=wasm"


def alert(page: Page) -> Locator:
    return page.get_by_role("alert").filter(visible=True).first


def expect_refused(page: Page, *texts: str) -> None:
    for text in texts:
        expect(alert(page)).to_contain_text(text, timeout=LOAD_MS)
    ChatPage(page).composer.fill("It still takes what is typed")


@pytest.mark.parametrize(
    ("template", "said"),
    [
        (WORK, "it takes more than 500000 steps"),
        (GROW, "it joins or copies more than"),
        ("{{ 'a'.encode().center(2000000000) }}", "attribute 'encode' of"),
        ("{{ ''.__class__.__mro__[1].__subclasses__() }}", "attribute '__class__' of"),
        ("{{ raise_exception.__globals__['json'] }}", "attribute '__globals__' of"),
    ],
    ids=["loops", "grows", "memory", "classes", "globals"],
)
def test_a_template_that_means_harm_is_named_and_the_page_goes_on(
    page: Page, bundle: Path, hostile_url: str, template: str, said: str
) -> None:
    replace_text_file(bundle, "chat_template", template.encode())
    page.goto(hostile_url)
    chat = ChatPage(page)
    chat.wait_until_ready()
    chat.composer.fill("What is 27 + 38?")
    chat.composer.press("Enter")
    for text in ("TemplateError", said, "do not use this model"):
        expect(alert(page)).to_contain_text(text)
    expect(chat.composer).to_have_value("What is 27 + 38?")
    expect(chat.stop_button).to_be_hidden()


def test_a_template_without_end_in_its_source_does_not_load(
    page: Page, bundle: Path, hostile_url: str
) -> None:
    """Compiled, it would end Python itself: its stack is the browser's."""
    replace_text_file(bundle, "chat_template", ("{{ messages" + ".a" * 50_000 + " }}").encode())
    page.goto(hostile_url)
    expect_refused(page, "TemplateError", "tokens")


DEEP = "[" * 200_000 + "]" * 200_000


@pytest.mark.parametrize(
    ("manifest", "said"),
    [
        ("[" * 200_000, "no JSON"),
        (f'{{"format": {DEEP}}}', "FormatVersionError"),
        ("null", "FormatVersionError"),
        (json.dumps({**manifest_value(), "graphs": None}), "graphs"),
        (json.dumps({**manifest_value(), "model": None}), "model"),
        (json.dumps({**manifest_value(), "weights": [], "tokenizer": 3}), "tokenizer 3"),
        ("9" * 20_000_000, "manifest.json is longer than"),
    ],
    ids=["open", "deep format", "null", "no graphs", "no model", "wrong types", "huge"],
)
def test_a_manifest_that_means_harm_is_refused_by_name(
    page: Page, bundle: Path, hostile_url: str, manifest: str, said: str
) -> None:
    (bundle / "manifest.json").write_text(manifest, "utf-8")
    page.goto(hostile_url)
    expect_refused(page, said, "Error", "Export the")


def test_what_only_the_runtime_reads_of_a_manifest_may_not_end_it(
    page: Page, bundle: Path, hostile_url: str
) -> None:
    """Python's own JSON reader would: its stack is the browser's."""
    manifest = json.loads((bundle / "manifest.json").read_text("utf-8"))
    text = json.dumps({**manifest, "parity": {"deep": "DEEP"}}).replace('"DEEP"', DEEP)
    (bundle / "manifest.json").write_text(text, "utf-8")
    page.goto(hostile_url)
    expect_refused(page, "ManifestError", "nests deeper", "Export the bundle again")


@pytest.mark.parametrize("content", [b"", b"not a graph", b"\x0a" * 100_000], ids=["empty", "text", "nested"])
def test_a_graph_that_is_none_is_named(page: Page, bundle: Path, hostile_url: str, content: bytes) -> None:
    replace_graph(bundle, "wasm", content)
    page.goto(hostile_url)
    expect_refused(page, "BackendError", "onnxruntime makes no session of graphs/wasm.")


@pytest.mark.parametrize(
    "content",
    [b"", b"not a tokenizer", b"PLMT\x01\0\0\0\xff\xff\xff\xff" + b"[" * 100_000],
    ids=["empty", "text", "nested"],
)
def test_a_tokenizer_that_is_none_is_named(
    page: Page, bundle: Path, hostile_url: str, content: bytes
) -> None:
    replace_text_file(bundle, "tokenizer", content)
    page.goto(hostile_url)
    expect_refused(page, "TokenizerError", "The vocabulary file cannot be used")
