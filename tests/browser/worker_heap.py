"""How much memory the model's worker holds, asked through the browser's own protocol."""

from __future__ import annotations

import json
from typing import Any

from playwright.sync_api import Page

WAIT_MS = 20


class WorkerHeap:
    """The memory of a page's worker: objects, and the buffers and WebAssembly memories that they hold.

    `performance.measureUserAgentSpecificMemory` says the same after a minute's wait.
    """

    def __init__(self, page: Page) -> None:
        self._page = page
        self._protocol = page.context.new_cdp_session(page)
        self._session: str | None = None
        self._answers: dict[int, dict[str, Any]] = {}
        self._protocol.on("Target.attachedToTarget", self._note_worker)
        self._protocol.on("Target.receivedMessageFromTarget", self._note_answer)
        attach = {"autoAttach": True, "waitForDebuggerOnStart": False, "flatten": False}
        self._protocol.send("Target.setAutoAttach", attach)
        while self._session is None:
            page.wait_for_timeout(WAIT_MS)

    def used_bytes(self) -> int:
        """What is in use after a garbage collection."""
        self._ask("HeapProfiler.collectGarbage")
        usage = self._ask("Runtime.getHeapUsage")
        return int(usage["usedSize"] + usage["backingStorageSize"])

    def _ask(self, method: str) -> dict[str, Any]:
        number = len(self._answers) + 1
        message = json.dumps({"id": number, "method": method})
        self._protocol.send("Target.sendMessageToTarget", {"sessionId": self._session, "message": message})
        while number not in self._answers:
            self._page.wait_for_timeout(WAIT_MS)
        return self._answers[number]

    def _note_worker(self, event: dict[str, Any]) -> None:
        if event["targetInfo"]["url"].endswith("/worker.js"):
            self._session = event["sessionId"]

    def _note_answer(self, event: dict[str, Any]) -> None:
        message = json.loads(event["message"])
        if event["sessionId"] == self._session and "id" in message:
            self._answers[message["id"]] = message["result"]
