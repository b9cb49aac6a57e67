"""Notes what no page may do, in every context of the browser: violate its policy, or ask any other origin.

A page's own violations are heard in the page. Those of its workers are told by nobody else, so the scripts of
workers begin with a listener in the site that the tests open.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

from playwright.sync_api import Browser, BrowserContext, Page, Request

REPORT = "/policy-violation"
LISTEN = f"""globalThis.addEventListener("securitypolicyviolation", (event) => {{
  const what = [event.effectiveDirective, event.blockedURI, event.sourceFile].join(" ");
  void fetch(new URL("{REPORT}?" + encodeURIComponent(what), location.origin), {{ mode: "no-cors" }});
}});
"""


WORKERS = (
    "worker.js",
    "store-worker.js",
    "expand-worker.js",
    "vendor/onnxruntime-web-*/ort-wasm-simd-threaded*.mjs",
)


def listen_in_workers(site: Path) -> None:
    """Put the listener before the scripts of a site's workers."""
    for script in (found for pattern in WORKERS for found in site.glob(pattern)):
        script.write_text(LISTEN + script.read_text("utf-8"), "utf-8")


class PageWatch:
    """See the module.

    Attributes:
        allowed_origins: That pages may ask beside the one they were opened at.
    """

    def __init__(self) -> None:
        self.allowed_origins: set[str] = set()
        self._failures: list[str] = []

    def take(self) -> list[str]:
        """What was noted since the last call."""
        failures, self._failures = self._failures, []
        self.allowed_origins.clear()
        return failures

    def follow_all(self, browser: Browser) -> None:
        """Watch every context that the tests make of a browser."""
        new_context, new_page = browser.new_context, browser.new_page

        def watched_context(**options: Any) -> BrowserContext:
            return self.follow(new_context(**options))

        def watched_page(**options: Any) -> Page:
            page = new_page(**options)
            self.follow(page.context)
            return page

        browser.new_context = watched_context  # type: ignore[method-assign]  # no event tells of a context
        browser.new_page = watched_page  # type: ignore[method-assign]  # the same

    def follow(self, context: BrowserContext) -> BrowserContext:
        """Watch one context."""
        opened: set[str] = set()
        context.on("request", lambda request: self._note_request(request, opened))
        context.add_init_script(LISTEN)
        return context

    def _note_request(self, request: Request, opened: set[str]) -> None:
        parts = urlsplit(request.url)
        origin = f"{parts.scheme}://{parts.netloc}"
        if parts.path == REPORT:
            self._failures.append(f"violates its policy: {unquote(parts.query)}")
        elif parts.scheme not in ("http", "https"):
            return
        elif request.is_navigation_request():
            opened.add(origin)
        elif origin not in opened | self.allowed_origins:
            self._failures.append(f"asks another origin: {request.method} {request.url}")
