"""Breaks a page's worker from inside, without a hook in it: a test's code is served before its own."""

from __future__ import annotations

import json
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from playwright.sync_api import Error as PlaywrightError
from playwright.sync_api import Page, Route

BREAK = (Path(__file__).parent / "broken-worker.js").read_text()


@dataclass
class Faults:
    """What breaks the workers of a page, the first `times` of them, and which workers came."""

    page: Page
    workers: list[str] = field(default_factory=list)

    def inject(self, how: str, on: str, *, after: int = 1, times: int = 1, before: str = "") -> None:
        """Break `how` at the `after`th message, or stage of loading, `on`; `before` goes into all workers."""

        def serve(route: Route) -> None:
            self.workers.append(route.request.url)
            response = route.fetch()
            what = json.dumps({"how": how, "on": on, "after": after})
            broken = BREAK.replace("BREAK;", f"{what};") if len(self.workers) <= times else ""
            route.fulfill(response=response, body=before + broken + response.text())

        self.page.context.route("**/worker.js", serve)

    def strike(self) -> None:
        """Break the worker of now, whatever it does."""
        [worker] = [worker for worker in self.page.workers if worker.url.endswith("/worker.js")]
        with suppress(PlaywrightError):  # it may end before it can answer
            worker.evaluate("() => void globalThis.breakWorker()")
