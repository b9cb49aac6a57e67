"""The page without its server, on hosts without headers, and while its site is replaced."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import BrowserContext, Page, expect

from browser.chat_page import ChatPage
from browser.plain_host import serve_plainly
from browser.replaced_site import replace_site
from pagelm_builder.verify.served_site import serve_site

KEPT = """async () => {
  const registration = await navigator.serviceWorker.ready;
  if (registration.active.state === "activated" && navigator.serviceWorker.controller) return;
  await new Promise((resolve) => navigator.serviceWorker.addEventListener("controllerchange", resolve));
}"""
UPDATE = "async () => { await (await navigator.serviceWorker.getRegistration()).update(); }"
FAILED_UPDATE = """async () => {
  const failed = new Promise((resolve) => {
    navigator.serviceWorker.addEventListener("message", ({ data }) => {
      if (data.kind === "failed") resolve(data.message);
    });
  });
  await (await navigator.serviceWorker.getRegistration()).update().catch(() => {});
  return failed;
}"""
# Which version each of these is of: the page that was loaded, a module that is loaded now, and the index.
VERSIONS = """async () => {
  const at = (path) => new URL(path, document.baseURI).href;
  const { version } = await (await fetch(at("site.json"))).json();
  const mark = (text) => text.match(/mark: (\\w+)/)?.[1] ?? "none";
  const [html, worker] = await Promise.all(
    ["index.html", "worker.js"].map(async (path) => mark(await (await fetch(at(path))).text())));
  return { shown: mark(document.documentElement.outerHTML), html, worker, version };
}"""
RELOADS = "globalThis.sessionStorage?.setItem('loads', Number(sessionStorage.getItem('loads')) + 1)"
NO_SERVICE_WORKERS = "delete Navigator.prototype.serviceWorker"
# As the request of the page's icon does: Chromium starts the version that is to go again.
REQUESTS_AT_THE_CHANGE = """
const post = ServiceWorker.prototype.postMessage;
ServiceWorker.prototype.postMessage = function (message, ...rest) {
  post.call(this, message, ...rest);
  if (message.kind !== "takeOver") return;
  for (const ms of [0, 20, 50, 100, 200, 400]) setTimeout(() => fetch("favicon.svg"), ms);
};"""
REFUSED_SERVICE_WORKERS = """
ServiceWorkerContainer.prototype.register = async () => {
  throw new DOMException("The operation is insecure.", "SecurityError");
}"""


@pytest.fixture
def site(dist: Path, tmp_path: Path) -> Path:
    """A copy of the site at some/where/, to be replaced."""
    folder = tmp_path / "some" / "where"
    shutil.copytree(dist, folder, ignore=shutil.ignore_patterns("*.br", "*.gz"))
    return folder


@pytest.fixture
def plain_url(site: Path) -> Iterator[str]:
    """Its address, under a sub-path of a host that sends no headers: GitHub Pages."""
    with serve_plainly(site.parents[1]) as address:
        yield f"{address}some/where/"


def wait_until_kept(page: Page) -> None:
    page.evaluate(KEPT)


def test_the_page_opens_and_answers_when_its_server_is_gone(context: BrowserContext, dist: Path) -> None:
    page = context.new_page()
    chat = ChatPage(page)
    with serve_site(dist) as address:
        page.goto(f"{address}?backend=wasm")
        chat.wait_until_ready()
        wait_until_kept(page)
    page.reload()
    chat.wait_until_ready()
    chat.set_sampling(temperature="0")
    expect(chat.text_of(chat.ask("What is 27 + 38?"))).to_have_text("27 + 38 = 65")
    assert page.evaluate("crossOriginIsolated")


def test_a_host_without_headers_gets_threads_after_one_reload(
    context: BrowserContext, plain_url: str
) -> None:
    context.add_init_script(RELOADS)
    page = context.new_page()
    page.goto(plain_url + "?backend=wasm&threads=2")
    chat = ChatPage(page)
    chat.wait_until_ready()
    assert page.evaluate("crossOriginIsolated")
    assert page.evaluate("sessionStorage.getItem('loads')") == "2"
    chat.backend_badge.click()
    expect(page.get_by_text("It runs on 2 threads, as asked for").first).to_be_visible()
    chat.set_sampling(temperature="0")
    expect(chat.text_of(chat.ask("What is 27 + 38?"))).to_have_text("27 + 38 = 65")


@pytest.mark.parametrize("denial", [NO_SERVICE_WORKERS, REFUSED_SERVICE_WORKERS])
def test_without_service_workers_the_page_works_and_says_what_it_lacks(
    context: BrowserContext, plain_url: str, denial: str
) -> None:
    context.add_init_script(f"{RELOADS}; {denial}")
    page = context.new_page()
    page.goto(plain_url + "?backend=wasm")
    chat = ChatPage(page)
    chat.wait_until_ready()
    lacks = page.get_by_role("status").filter(has_text="refuses the page a service worker")
    expect(lacks).to_contain_text("WASM runs on one thread")
    expect(lacks).to_contain_text("will not open without its server")
    chat.set_sampling(temperature="0")
    expect(chat.text_of(chat.ask("What is 27 + 38?"))).to_have_text("27 + 38 = 65")
    assert page.evaluate("sessionStorage.getItem('loads')") == "1"
    lacks.get_by_role("button", name="Dismiss").click()
    expect(lacks).to_be_hidden()


def mark(site: Path, name: str) -> None:
    """Change the page and its worker, as a release does."""
    page, worker = site / "index.html", site / "worker.js"
    page.write_text(page.read_text("utf-8").replace("<title>", f"<!-- mark: {name} --><title>"), "utf-8")
    worker.write_text(worker.read_text("utf-8") + f"// mark: {name}\n", "utf-8")


def rename_mark(site: Path, old: str, new: str) -> None:
    for path in ("index.html", "worker.js"):
        text = (site / path).read_text("utf-8")
        (site / path).write_text(text.replace(f"mark: {old}", f"mark: {new}"), "utf-8")


def test_an_open_chat_keeps_its_version_until_it_is_reloaded(
    context: BrowserContext, site: Path, plain_url: str
) -> None:
    first = replace_site(site, lambda folder: mark(folder, "first"))
    page = context.new_page()
    page.goto(plain_url + "?backend=wasm")
    chat = ChatPage(page)
    chat.wait_until_ready()
    wait_until_kept(page)
    chat.ask("What is 27 + 38?")
    second = replace_site(site, lambda folder: rename_mark(folder, "first", "second"))
    page.evaluate(UPDATE)
    notice = page.get_by_role("status").filter(has_text="new version of this page")
    expect(notice).to_be_visible()
    old = {"shown": "first", "html": "first", "worker": "first", "version": first}
    assert page.evaluate(VERSIONS) == old
    chat.ask("What is 2 + 3?")
    notice.get_by_role("button", name="Reload").click()
    expect(notice).to_be_hidden()
    chat.wait_until_ready()
    expect(chat.answers).to_have_count(2)
    new = {"shown": "second", "html": "second", "worker": "second", "version": second}
    assert page.evaluate(VERSIONS) == new
    assert [name.rsplit(" ", 1)[1] for name in page.evaluate("caches.keys()")] == [second]
    chat.ask("What is 3 + 4?")


def test_a_new_version_waits_while_another_tab_is_open(
    context: BrowserContext, site: Path, plain_url: str
) -> None:
    first = replace_site(site, lambda folder: mark(folder, "first"))
    page, other = context.new_page(), context.new_page()
    page.goto(plain_url + "?backend=wasm")
    ChatPage(page).wait_until_ready()
    wait_until_kept(page)
    other.goto(plain_url + "?backend=wasm")
    ChatPage(other).wait_until_ready()
    second = replace_site(site, lambda folder: rename_mark(folder, "first", "second"))
    page.evaluate(UPDATE)
    expect(page.get_by_role("status").filter(has_text="new version of this page")).to_be_visible()
    page.reload()
    ChatPage(page).wait_until_ready()
    assert [tab.evaluate(VERSIONS)["version"] for tab in (page, other)] == [first, first]
    other.close()
    page.reload()
    ChatPage(page).wait_until_ready()
    assert page.evaluate(VERSIONS)["version"] == second


def test_a_new_version_comes_although_the_page_asks_the_old_one_for_files(
    context: BrowserContext, site: Path, plain_url: str
) -> None:
    context.add_init_script(REQUESTS_AT_THE_CHANGE)
    replace_site(site, lambda folder: mark(folder, "first"))
    page = context.new_page()
    page.goto(plain_url + "?backend=wasm")
    ChatPage(page).wait_until_ready()
    wait_until_kept(page)
    second = replace_site(site, lambda folder: rename_mark(folder, "first", "second"))
    page.evaluate(UPDATE)
    expect(page.get_by_role("status").filter(has_text="new version of this page")).to_be_visible()
    page.reload()
    ChatPage(page).wait_until_ready()
    assert page.evaluate(VERSIONS)["version"] == second


def test_a_version_that_is_not_whole_never_takes_over(
    context: BrowserContext, site: Path, plain_url: str
) -> None:
    first = replace_site(site, lambda folder: mark(folder, "first"))
    page = context.new_page()
    page.goto(plain_url + "?backend=wasm")
    ChatPage(page).wait_until_ready()
    wait_until_kept(page)
    replace_site(site, lambda folder: rename_mark(folder, "first", "second"))
    rename_mark(site, "second", "torn")  # what a host shows half way through an upload
    message = page.evaluate(FAILED_UPDATE)
    assert "another sha256" in message
    page.reload()
    ChatPage(page).wait_until_ready()
    assert page.evaluate(VERSIONS)["version"] == first
    assert page.evaluate(VERSIONS)["html"] == "first"
