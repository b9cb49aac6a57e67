"""The watch itself hears what a page and its workers may not do, so that its silence means something."""

from __future__ import annotations

import shutil
from pathlib import Path

from playwright.sync_api import Page

from browser.chat_page import ChatPage
from browser.page_watch import PageWatch
from pagelm_builder.verify.served_site import serve_site

ELSEWHERE = "http://third.example"
ASK = "fetch('%s/%s').catch(() => {});"


def test_a_page_that_asks_where_its_policy_forbids_it_is_noted(
    page: Page, site_url: str, page_watch: PageWatch
) -> None:
    page.goto(f"{site_url}site.json")
    with page.expect_request("**/policy-violation*"):
        page.evaluate(f"() => {ASK % (ELSEWHERE, 'page')}")
    assert page_watch.take() == [f"violates its policy: connect-src {ELSEWHERE}/page "]


def test_workers_and_their_workers_are_noted(
    page: Page, dist: Path, tmp_path: Path, page_watch: PageWatch
) -> None:
    site = tmp_path / "dist"
    shutil.copytree(dist, site, ignore=shutil.ignore_patterns("*.br", "*.gz"))
    [threads] = site.glob("vendor/onnxruntime-web-*/ort-wasm-simd-threaded.mjs")
    scripts = [site / "worker.js", site / "store-worker.js", threads]
    for script in scripts:
        script.write_text(f"{script.read_text('utf-8')}\n{ASK % (ELSEWHERE, script.name)}", "utf-8")
    with serve_site(site) as address:
        page.goto(f"{address}?backend=wasm&threads=2")
        ChatPage(page).wait_until_ready()
    noted = " ".join(page_watch.take())
    for script in scripts:
        assert f"violates its policy: connect-src {ELSEWHERE}/{script.name}" in noted


def test_a_request_to_another_origin_is_noted_where_no_policy_stops_it(
    page: Page, page_watch: PageWatch
) -> None:
    page.route("http://plain.example/", lambda route: route.fulfill(body="<p>no policy</p>"))
    page.route(f"{ELSEWHERE}/**", lambda route: route.abort())
    page.goto("http://plain.example/")
    with page.expect_request(f"{ELSEWHERE}/*"):
        page.evaluate(f"() => {ASK % (ELSEWHERE, 'page')}")
    assert page_watch.take() == [f"asks another origin: GET {ELSEWHERE}/page"]
    page_watch.allowed_origins.add(ELSEWHERE)
    with page.expect_request(f"{ELSEWHERE}/*"):
        page.evaluate(f"() => {ASK % (ELSEWHERE, 'page')}")
    assert page_watch.take() == []
