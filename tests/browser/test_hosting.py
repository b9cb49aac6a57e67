"""Where the site may live, what it may ask for, and what it says when the server is gone."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Page, Request, Route, expect

from browser.chat_page import ChatPage
from browser.plain_host import serve_plainly
from pagelm_builder.verify.served_site import serve_site


@pytest.fixture
def sub_path_url(dist: Path, tmp_path: Path) -> Iterator[str]:
    """The site at some/where/ on a host that is not `pagelm serve`."""
    (tmp_path / "some").mkdir()
    (tmp_path / "some" / "where").symlink_to(dist, target_is_directory=True)
    with serve_plainly(tmp_path) as address:
        yield f"{address}some/where/"


@pytest.mark.parametrize("backend", ["wasm", "webgpu"])
def test_it_runs_from_a_sub_path_of_any_static_host(page: Page, sub_path_url: str, backend: str) -> None:
    page.goto(sub_path_url + f"?backend={backend}")
    chat = ChatPage(page)
    chat.wait_until_ready()
    chat.set_sampling(temperature="0")
    expect(chat.text_of(chat.ask("What is 27 + 38?"))).to_have_text("27 + 38 = 65")


def test_threads_that_a_host_cannot_have_are_said(page: Page, sub_path_url: str) -> None:
    page.goto(sub_path_url + "?backend=wasm&threads=2")
    notice = ChatPage(page).note("threads=2")
    expect(notice).to_be_visible()
    expect(notice).to_contain_text("1 thread.")
    ChatPage(page).wait_until_ready()


def test_nothing_is_requested_from_anywhere_else(page: Page, site_url: str) -> None:
    requested: list[str] = []

    def note(request: Request) -> None:
        requested.append(request.url)

    page.context.on("request", note)
    page.goto(site_url + "?backend=wasm")
    chat = ChatPage(page)
    chat.wait_until_ready()
    chat.ask("What is 2 + 3?")
    assert len(requested) > 10
    assert [url for url in requested if not url.startswith(site_url)] == []


def test_an_altered_weight_part_is_named_and_can_be_tried_again(
    page: Page, dist: Path, site_url: str
) -> None:
    manifest = json.loads((dist / "models/pico/manifest.json").read_text())
    part = manifest["weights"]["parts"][0]["file"]
    altered = bytearray((dist / "models/pico" / part).read_bytes())
    altered[len(altered) // 2] ^= 1
    page.route(f"**/{part}", lambda route: route.fulfill(body=bytes(altered)))
    page.goto(site_url + "?backend=wasm")
    alert = page.get_by_role("alert").filter(visible=True)
    expect(alert).to_contain_text(part, timeout=60_000)
    expect(alert).to_contain_text("PartAlteredError")
    page.unroute(f"**/{part}")
    alert.get_by_role("button", name="Try again").click()
    ChatPage(page).wait_until_ready()


def test_weights_that_cannot_be_had_are_said_and_the_question_is_kept(page: Page, site_url: str) -> None:
    page.route("**/weights/*.bin", lambda route: route.abort("connectionrefused"))
    page.goto(site_url + "?backend=wasm")
    chat = ChatPage(page)
    chat.composer.fill("What is 27 + 38?")
    alert = page.get_by_role("alert").filter(visible=True)
    expect(alert).to_contain_text("weights/000", timeout=60_000)
    expect(alert.get_by_role("button", name="Try again")).to_be_visible()
    expect(chat.composer).to_have_value("What is 27 + 38?")


def test_a_loaded_page_answers_without_the_server(page: Page, dist: Path) -> None:
    chat = ChatPage(page)
    with serve_site(dist) as site_url:
        page.goto(site_url + "?backend=wasm")
        chat.wait_until_ready()
        chat.set_sampling(temperature="0")
    expect(chat.text_of(chat.ask("What is 27 + 38?"))).to_have_text("27 + 38 = 65")


def test_a_browser_without_jspi_gets_the_asyncify_build(page: Page, site_url: str) -> None:
    def without_jspi(route: Route) -> None:
        response = route.fetch()
        route.fulfill(response=response, body="delete WebAssembly.Suspending;\n" + response.text())

    page.context.route("**/worker.js", without_jspi)
    with page.expect_request("**/*asyncify*.wasm"):
        page.goto(site_url + "?backend=webgpu")
    chat = ChatPage(page)
    chat.wait_until_ready()
    chat.set_sampling(temperature="0")
    chat.set_thinking(False)
    expect(chat.text_of(chat.ask("Reverse the word stressed"))).to_have_text("desserts")
