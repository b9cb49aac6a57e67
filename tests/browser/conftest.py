"""Chromium, the site from `make site`, and two ways to talk to it: as a person, and through the client."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect

from altered_bundle import alter_bundle, keep_activations
from browser.chat_page import ChatPage
from browser.count_after_cancel import count_after_cancel
from browser.page_watch import PageWatch, listen_in_workers
from browser.replaced_site import replace_site
from pagelm_builder.verify.chromium import open_chromium
from pagelm_builder.verify.model_client import ModelClient
from pagelm_builder.verify.served_site import serve_site

ROOT = Path(__file__).parents[2]
DIST = ROOT / "dist"

# Machines differ; what never comes is still a failure.
expect.set_options(timeout=30_000)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark the browser tests and put them last: Playwright's loop stays in the thread once it runs."""
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.browser)
    items.sort(key=lambda item: item.get_closest_marker("browser") is not None)


@pytest.fixture(scope="session")
def dist(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The built site, whose workers tell what they violate; `make test` builds it first."""
    if not (DIST / "site.json").is_file():
        pytest.fail("dist/ is not built: run `make site` (or `make test`, which does it first)")
    copy = tmp_path_factory.mktemp("site") / "dist"
    shutil.copytree(DIST, copy)
    replace_site(copy, listen_in_workers)
    return copy


@pytest.fixture(scope="session")
def exact_pico(dist: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The site's pico, whose `native` graph then rounds no activations: as WebGPU computes."""
    copy = tmp_path_factory.mktemp("exact") / "pico"
    return alter_bundle(dist / "models" / "pico", copy, "native", keep_activations)


@pytest.fixture(scope="session")
def site_url(dist: Path) -> Iterator[str]:
    """Address of `pagelm serve dist` on a free port."""
    with serve_site(dist) as address:
        yield address


@pytest.fixture(scope="session")
def page_watch() -> PageWatch:
    return PageWatch()


@pytest.fixture(scope="session")
def browser(page_watch: PageWatch) -> Iterator[Browser]:
    with open_chromium() as browser:
        page_watch.follow_all(browser)
        yield browser


@pytest.fixture(autouse=True)
def nothing_forbidden(page_watch: PageWatch) -> Iterator[None]:
    """Every test fails on a violation of the page's policy, and on a request to another origin."""
    yield
    assert page_watch.take() == []


@pytest.fixture
def context(browser: Browser) -> Iterator[BrowserContext]:
    """A browser profile of its own, with service workers."""
    context = browser.new_context(service_workers="allow")
    context.set_default_timeout(60_000)
    yield context
    context.close()


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    """A page in a context of its own; a test fails on any error that the page did not handle.

    Without service workers: what they answer, no test can answer in their place (test_offline.py has them).
    """
    context = browser.new_context(service_workers="block")
    page = context.new_page()
    page.set_default_timeout(60_000)
    failures: list[str] = []
    page.on("pageerror", lambda error: failures.append(str(error)))
    yield page
    context.close()
    assert failures == []


@pytest.fixture
def open_chat(page: Page, site_url: str) -> Callable[..., ChatPage]:
    """Opens the chat page, as a person does, and waits until it is ready."""

    def open_page(query: str = "") -> ChatPage:
        page.goto(site_url + query)
        chat = ChatPage(page)
        chat.wait_until_ready()
        return chat

    return open_page


@pytest.fixture(scope="session", params=["wasm", "webgpu"])
def model(request: pytest.FixtureRequest, browser: Browser, site_url: str) -> Iterator[ModelClient]:
    """The loaded model behind `web/client.js`, on each backend in turn."""
    page = browser.new_page()
    page.set_default_timeout(120_000)
    count_after_cancel(page)
    yield ModelClient.load(page, site_url, request.param)
    page.close()
