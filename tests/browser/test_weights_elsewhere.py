"""A site whose weights are on another origin: two hosts of this machine, each on a port of its own."""

from __future__ import annotations

from contextlib import ExitStack
from pathlib import Path

from playwright.sync_api import BrowserContext, Page, expect

from browser.chat_page import ChatPage
from browser.page_watch import REPORT, PageWatch, listen_in_workers
from browser.replaced_site import replace_site
from browser.store_page import call_model_store
from pagelm_builder.site import build_site
from pagelm_builder.verify.served_site import serve_site
from pagelm_builder.weights_address import parse_weights_address

NODE_MODULES = Path(__file__).parents[2] / "node_modules"
KEPT_BY_SERVICE_WORKER = """async () => {
  await navigator.serviceWorker.ready;
  if (navigator.serviceWorker.controller) return;
  await new Promise((resolve) => navigator.serviceWorker.addEventListener("controllerchange", resolve));
}"""
# What a page hears when its policy forbids a fetch.
FORBIDDEN = """async (url) => {
  const violation = new Promise((resolve) => {
    document.addEventListener("securitypolicyviolation", (event) => resolve(event.effectiveDirective));
  });
  await fetch(url).catch(() => {});
  return violation;
}"""


def build_page(dist: Path, weights_url: str, out: Path) -> Path:
    """`pagelm site` with `--base-url`; the bundle is the one of the usual site."""
    address = parse_weights_address(weights_url)
    build_site(out, [dist / "models" / "pico"], node_modules=NODE_MODULES, weights=address)
    replace_site(out, listen_in_workers)
    return out


def ask(page: Page) -> None:
    chat = ChatPage(page)
    chat.wait_until_ready()
    chat.set_sampling(temperature="0")
    expect(chat.text_of(chat.ask("What is 27 + 38?"))).to_have_text("27 + 38 = 65")


def test_it_loads_answers_and_is_kept_for_when_both_are_gone(
    context: BrowserContext, dist: Path, tmp_path: Path, page_watch: PageWatch
) -> None:
    page = context.new_page()
    requested: list[str] = []
    page.on("request", lambda request: requested.append(request.url))
    with ExitStack() as hosts:
        weights_url = hosts.enter_context(serve_site(dist, "--allow-origin", "*"))
        page_watch.allowed_origins.add(weights_url.removesuffix("/"))
        site = build_page(dist, f"{weights_url}models/", tmp_path / "dist")
        page_url = hosts.enter_context(serve_site(site))
        page.goto(f"{page_url}?backend=wasm")
        ask(page)
        assert page.evaluate("crossOriginIsolated")
        elsewhere = [url for url in requested if not url.startswith(page_url)]
        assert {url.removeprefix(weights_url).split("/")[0] for url in elsewhere} == {"models"}
        [model] = call_model_store(page, "listStoredModels")["models"]
        assert (model["url"], model["isComplete"]) == (f"{weights_url}models/pico/", True)
        page.evaluate(KEPT_BY_SERVICE_WORKER)
    page.reload()
    ask(page)
    assert page.evaluate("crossOriginIsolated")


def test_the_policy_names_that_origin_and_no_other(
    page: Page, dist: Path, tmp_path: Path, page_watch: PageWatch
) -> None:
    site = build_page(dist, "http://127.0.0.1:1/", tmp_path / "dist")
    with serve_site(site) as page_url, serve_site(dist, "--allow-origin", "*") as other_url:
        page.goto(f"{page_url}site.json")
        with page.expect_request(f"**{REPORT}*"):
            assert page.evaluate(FORBIDDEN, f"{other_url}models/pico/manifest.json") == "connect-src"
    assert len(page_watch.take()) == 1


def test_a_host_that_does_not_let_the_page_read_is_named_with_what_it_has_to_send(
    page: Page, dist: Path, tmp_path: Path, page_watch: PageWatch
) -> None:
    with serve_site(dist) as weights_url:
        page_watch.allowed_origins.add(weights_url.removesuffix("/"))
        site = build_page(dist, f"{weights_url}models/", tmp_path / "dist")
        with serve_site(site) as page_url:
            page.goto(f"{page_url}?backend=wasm")
            alert = page.get_by_role("alert").filter(visible=True)
            expect(alert).to_contain_text(
                f"manifest.json could not be fetched from {weights_url}models/pico/"
            )
            expect(alert).to_contain_text(f"“Access-Control-Allow-Origin: {page_url.removesuffix('/')}”")
            expect(alert.get_by_role("button", name="Try again")).to_be_visible()
